import fc from "fast-check";
import { expect, test } from "vitest";
import { createFakeModel } from "../tests/fixtures/fake-model.ts";
import { engineOf } from "../tests/fixtures/fixed-sources.ts";
import { continueStream } from "./continue-stream.ts";
import { VaultError } from "./errors.ts";
import { newRequest } from "./generate-request.ts";
import type { Engine, TokenEvent } from "./protocol.ts";

const LOST = new VaultError("engine-absent", "It is gone.");
const request = newRequest({ type: "text", text: "a" }, { maxNewTokens: 40 });
const local = () => engineOf({ name: "fake", load: async () => createFakeModel() });

/** A real engine that is lost after so many events. */
function mortal(events: number, why = LOST): Engine {
  const engine = local();
  return {
    ...engine,
    generate(request) {
      const reader = engine.generate(request).getReader();
      let left = events;
      return new ReadableStream({
        async pull(controller) {
          if (left-- === 0) return controller.error(why);
          const { done, value } = await reader.read();
          if (done) controller.close();
          else controller.enqueue(value);
        },
        cancel: () => reader.cancel(),
      });
    },
  };
}

async function readAll(stream: ReadableStream<TokenEvent>): Promise<TokenEvent[]> {
  const events: TokenEvent[] = [];
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) events.push(next.value);
  return events;
}

const through = (engines: Engine[]) => {
  const left = [...engines];
  return continueStream(request, {
    engine: async () => left.shift() ?? Promise.reject(LOST),
    watch: (_, read) => read,
  });
};

const comparable = (events: readonly TokenEvent[]) =>
  events.map((event) => {
    if (event.type === "done") return { ...event, decodeMs: 0, handoverMs: 0 };
    return event.type === "start" ? { ...event, prefillMs: 0, options: { ...event.options, seed: 0 } } : event;
  });

test("engines may be lost after any event: the events are those of one that was not", async () => {
  const whole = comparable(await readAll(through([local()])));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 2, max: 15 }), { maxLength: 4 }), async (lives) => {
      const engines = [...lives.map((events) => mortal(events)), local()];
      expect(comparable(await readAll(through(engines)))).toEqual(whole);
    }),
    { numRuns: 40, examples: [[[15, 4, 13, 13]]] }, // the last of these is lost right after its end
  );
});

test("engines that are lost again and again without a token end the stream", async () => {
  const engines = Array.from({ length: 10 }, () => mortal(1));
  await expect(readAll(through(engines))).rejects.toMatchObject({ code: "engine-absent" });
});

test("what the engine says of the request is no reason to ask another one", async () => {
  let asked = 0;
  const refusing = mortal(0, new VaultError("engine-failed", "It broke."));
  const stream = continueStream(request, {
    engine: async () => {
      asked++;
      return refusing;
    },
    watch: (_, read) => read,
  });
  await expect(readAll(stream)).rejects.toMatchObject({ code: "engine-failed" });
  expect(asked).toBe(1);
});
