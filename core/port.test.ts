import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { createMemoryLog } from "../logs-export/memory-log.ts";
import { START } from "../tests/fixtures/start-event.ts";
import { createApi } from "./api.ts";
import { VaultError } from "./errors.ts";
import { fromGenerator } from "./from-generator.ts";
import { newRequest } from "./generate-request.ts";
import { connectEngine } from "./port-client.ts";
import { serveEngine, serveEngineOnPorts } from "./port-server.ts";
import type { Engine, Port, TokenEvent } from "./protocol.ts";

const request = newRequest({ type: "text", text: "a" }, { maxNewTokens: 1 });

/** Makes as many events as it is asked for; counts what it made and what was cancelled. */
function countingEngine(total: number, failAt = Number.POSITIVE_INFINITY) {
  const made = { events: 0, cancels: 0 };
  const engine: Engine = {
    status: async () => ({ state: "absent" }),
    admit: async ({ maxNewTokens }) => {
      if (maxNewTokens === 0) throw new VaultError("prompt-too-long", "Too long.");
    },
    load: async () => {},
    unload: async () => {},
    models: async () => [],
    pull: async () => {},
    pause: async () => {},
    remove: async () => {},
    tokenise: async (text, special) => [{ tokenId: special ? 1 : 0, text, bytes: [] }],
    detokenise: async (tokenIds) => tokenIds.join(),
    generate: () =>
      new ReadableStream<TokenEvent>(
        {
          pull(controller) {
            if (made.events === failAt) throw new Error("the device is gone");
            if (made.events === total) controller.close();
            else
              controller.enqueue({
                type: "token",
                index: made.events,
                tokenId: 1,
                text: `${made.events++}`,
                score: null,
              });
          },
          cancel: () => void made.cancels++,
        },
        { highWaterMark: 0 },
      ),
  };
  return { engine, made };
}

const ports: MessagePort[] = [];
afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

function connect(engine: Engine, options?: Parameters<typeof serveEngine>[2]) {
  const { port1, port2 } = new MessageChannel();
  ports.push(port1, port2);
  const close = serveEngine(engine, port1 as Port, options);
  return { remote: connectEngine(port2 as Port), close };
}

/** Resolves once messages that are on their way have arrived. */
const quiet = async (engine: Engine) => {
  for (let round = 0; round < 20; round++) await engine.status();
};

test("events cross the port in order, however many", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(70), async (total) => {
      const { remote } = connect(countingEngine(total).engine);
      const indexes: number[] = [];
      const reader = remote.generate(request).getReader();
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        if (next.value.type === "token") indexes.push(next.value.index);
      }
      expect(indexes).toEqual(Array.from({ length: total }, (_, index) => index));
    }),
    { numRuns: 30 },
  );
});

test("an unread stream lets the engine run ahead by the window, and no further", async () => {
  const { engine, made } = countingEngine(1000);
  const { remote } = connect(engine);
  const reader = remote.generate(request).getReader();
  await quiet(remote);
  expect(made.events).toBe(16);
  for (let read = 0; read < 17; read++) await reader.read();
  await quiet(remote);
  expect(made.events).toBeGreaterThan(16);
  expect(made.events).toBeLessThanOrEqual(33);
});

test("a cancelled stream cancels the engine's", async () => {
  const { engine, made } = countingEngine(1000);
  const { remote } = connect(engine);
  const reader = remote.generate(request).getReader();
  await reader.read();
  await reader.cancel();
  await quiet(remote);
  expect(made.cancels).toBe(1);
});

test("an answer whose last event takes the last credit is over for the engine too", async () => {
  const events = Array.from(
    { length: 15 },
    (_, index): TokenEvent =>
      index === 0 ? START : { type: "token", index: index - 1, tokenId: 1, text: "a", score: null },
  );
  const done: TokenEvent = { type: "done", text: "", finishReason: "stop", newTokens: 14, decodeMs: 1 };
  let isOver = false;
  async function* answer() {
    try {
      yield* [...events, done];
    } finally {
      isOver = true;
    }
  }
  const { remote } = connect({ ...countingEngine(0).engine, generate: () => fromGenerator(answer()) });
  const handle = createApi({ engine: remote, log: createMemoryLog() });
  const response = await handle(
    new Request("http://x/generate/stream", { method: "POST", body: '{"prompt":"a","max_new_tokens":14}' }),
  );
  expect(await response.text()).toBe("a".repeat(14));
  await quiet(remote);
  expect(isOver).toBe(true);
});

test("a failure crosses the port with its code; one without a code is an engine failure", async () => {
  const { remote } = connect(countingEngine(5, 2).engine);
  await expect(remote.admit({ ...request, maxNewTokens: 0 })).rejects.toMatchObject({ code: "prompt-too-long" });
  await remote.admit(request);
  const reader = remote.generate(request).getReader();
  await reader.read();
  await reader.read();
  await expect(reader.read()).rejects.toMatchObject({
    code: "engine-failed",
    message: expect.stringContaining("the device is gone"),
  });
});

test("when the other end is gone, what is pending fails, and so does what comes after", async () => {
  const { remote } = connect({ ...countingEngine(1).engine, admit: () => new Promise(() => {}) });
  const reader = remote.generate(request).getReader();
  await reader.read();
  const asked = remote.admit(request);
  const unread = remote.generate(request).getReader();
  remote.disconnect();
  await expect(asked).rejects.toMatchObject({ code: "engine-absent" });
  await expect(unread.read()).rejects.toMatchObject({ code: "engine-absent" });
  await expect(remote.status()).rejects.toMatchObject({ code: "engine-absent" });
});

test("closing the engine's end cancels what is open", async () => {
  const { engine, made } = countingEngine(1000);
  const { remote, close } = connect(engine);
  const reader = remote.generate(request).getReader();
  await reader.read();
  close();
  await new Promise((resolve) => setImmediate(resolve));
  expect(made.cancels).toBe(1);
});

test("questions cross the port with their arguments and come back with their answers", async () => {
  const { remote } = connect(countingEngine(0).engine);
  expect(await remote.tokenise("hi", true, true)).toEqual([{ tokenId: 1, text: "hi", bytes: [] }]);
  expect(await remote.detokenise([1, 2])).toBe("1,2");
  expect(await Promise.all([remote.status(), remote.load(null, 5), remote.unload("m")])).toEqual([
    { state: "absent" },
    undefined,
    undefined,
  ]);
});

test("a stream that nobody reads is cancelled when its lease is up, and says so", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const { engine, made } = countingEngine(1000);
    const { remote } = connect(engine, { creditLeaseMs: 1000 });
    const reader = remote.generate(request).getReader();
    await quiet(remote);
    expect(made.events).toBe(16);
    vi.advanceTimersByTime(999);
    for (let read = 0; read < 16; read++) await reader.read();
    await reader.read(); // the credits that came back were in time
    await quiet(remote);
    const before = made.events;
    vi.advanceTimersByTime(1000);
    await quiet(remote);
    expect(made).toEqual({ events: before, cancels: 1 });
    await expect(reader.read()).rejects.toMatchObject({ code: "reader-stalled", status: 408 });
  } finally {
    vi.useRealTimers();
  }
});

test("a new port takes over from the last one of its host, and leaves the other host's alone", async () => {
  const { engine, made } = countingEngine(1000);
  const attach = serveEngineOnPorts(engine);
  const link = (host: "service-worker" | "page") => {
    const { port1, port2 } = new MessageChannel();
    ports.push(port1, port2);
    attach(port1 as Port, host);
    return connectEngine(port2 as Port);
  };
  const serviceWorker = link("service-worker");
  const page = link("page");
  const readers = [serviceWorker, page].map((remote) => remote.generate(request).getReader());
  for (const reader of readers) await reader.read();
  expect(made.cancels).toBe(0);
  await link("page").status();
  await quiet(serviceWorker);
  expect(made.cancels).toBe(1);
  for (let read = 0; read < 40; read++) await readers[0]?.read();
});
