import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { createApi } from "../core/api.ts";
import { createMemoryLog } from "../logs-export/memory-log.ts";
import { createFakeModel } from "../tests/fixtures/fake-model.ts";
import { engineOf } from "../tests/fixtures/fixed-sources.ts";
import { generate, resume } from "./client.ts";

const BASE = "http://x/";
const WHOLE = "bcdefghijklmnopqrstuvwxyz{|}~".slice(0, 24);
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** What happens to a request on its way. */
type Fate =
  | "whole"
  /** The service worker is stopped after so many bytes; `clean`: Firefox's reader sees an end. */
  | { readonly cut: number; readonly clean: boolean }
  /** It cannot be started: the server answers. */
  | "server"
  /** It is stopped before it has answered. */
  | "network";

/** The real API in place of `fetch`, and what becomes of each request. */
function network(fates: readonly Fate[]) {
  const log = createMemoryLog();
  const model = createFakeModel();
  const engine = engineOf({ name: "fake", load: async () => model });
  const handle = createApi({ engine, log });
  const left = [...fates];
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (url: URL, init?: RequestInit) => {
    asked.push(`${init?.method ?? "GET"} ${url.pathname}`);
    const fate = left.shift() ?? "whole";
    if (fate === "server") return new Response("Not found", { status: 404 });
    if (fate === "network") throw new TypeError("Failed to fetch");
    const response = await handle(new Request(url, init));
    if (fate === "whole" || !response.body) return response;
    const reader = response.body.getReader();
    let bytes = 0;
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) return controller.close();
        controller.enqueue(value.slice(0, fate.cut - bytes));
        bytes += value.length;
        if (bytes < fate.cut) return;
        await reader.cancel();
        if (fate.clean) controller.close();
        else controller.error(new TypeError("network error"));
      },
    });
    return new Response(body, response);
  });
  return { log, asked };
}

async function read(events: AsyncIterable<{ type: string; text?: string }>) {
  const seen = { text: "", ends: 0 };
  for await (const event of events) {
    if (event.type === "token") seen.text += event.text;
    else seen.ends++;
  }
  return seen;
}

/** Waiting costs nothing: time goes on as soon as nothing else does. */
async function hurried<T>(promise: Promise<T>): Promise<T> {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  let settled = false;
  const end = () => {
    settled = true;
  };
  promise.then(end, end);
  while (!settled) {
    await vi.advanceTimersByTimeAsync(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return promise;
}

const input = { prompt: "a", max_new_tokens: 24 };

const fate = fc.oneof(
  fc.record({ cut: fc.integer({ min: 1, max: 1500 }), clean: fc.boolean() }),
  fc.constantFrom("server" as const, "network" as const),
);

test("whatever becomes of its requests, an answer is whole, once, in one record", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fate, { maxLength: 4 }), async (fates) => {
      const { log } = network(fates);
      expect(await hurried(read(generate(input, { base: BASE })))).toEqual({ text: WHOLE, ends: 1 });
      // Beside it there may be questions for a stream that nobody had heard of yet.
      const answers = log.records.filter(({ endpoint }) => endpoint === "POST /generate/stream");
      expect(answers).toMatchObject([{ response: WHOLE, finish_reason: "length" }]);
    }),
    { numRuns: 100 },
  );
});

test("`resume()` tells an answer from its first token on, and says so if it is not kept", async () => {
  const { asked } = network([{ cut: 200, clean: false }]);
  const begun = generate(input, { base: BASE, requestId: "mine" });
  await begun.next();
  await begun.return(undefined);
  expect(await read(resume("mine", { base: BASE }))).toEqual({ text: WHOLE, ends: 1 });
  expect(asked).toEqual(["POST /generate/stream", "GET /generate/stream/mine"]);
  await expect(read(resume("other", { base: BASE }))).rejects.toMatchObject({ code: "stream-not-found" });
});

test("what the API refuses is not asked again, and a dead network ends with a sentence", async () => {
  const { asked } = network([]);
  await expect(read(generate({ prompt: "" }, { base: BASE }))).rejects.toMatchObject({ code: "bad-request" });
  expect(asked).toHaveLength(1);
  network(Array<Fate>(99).fill("network"));
  await expect(hurried(read(generate(input, { base: BASE })))).rejects.toThrow("cut off");
});

test("half a minute without a network is waited out", async () => {
  const { log } = network(Array<Fate>(10).fill("network")); // then one that asks whether the first has arrived
  vi.useFakeTimers({ toFake: ["performance"] });
  const beganMs = performance.now();
  expect(await hurried(read(generate(input, { base: BASE })))).toEqual({ text: WHOLE, ends: 1 });
  expect(performance.now() - beganMs).toBeGreaterThan(30_000);
  expect(log.records.filter(({ endpoint }) => endpoint === "POST /generate/stream")).toHaveLength(1);
});
