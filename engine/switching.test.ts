import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { newRequest } from "../core/generate-request.ts";
import type { EngineStatus, TokenEvent } from "../core/protocol.ts";
import { createFakeModel, type FakeModel } from "../tests/fixtures/fake-model.ts";
import { fixedSources } from "../tests/fixtures/fixed-sources.ts";
import { createLocalEngine, type LocalEngineOptions } from "./local-engine.ts";
import type { ModelSource, ModelSources } from "./model-source.ts";

const request = (model: string | null, maxNewTokens = 3) =>
  newRequest({ type: "text", text: "a" }, { model, maxNewTokens, seed: 1 });

/** Models by these names; each load makes a new one. */
function library(names: readonly string[], options: Partial<LocalEngineOptions> = {}) {
  const made: FakeModel[] = [];
  let inMemory = 0;
  let most = 0;
  const held = new Map<string, Promise<void>>();
  const sources = fixedSources(
    ...names.map((name) => ({
      name,
      async load(report: (progress: { loadedBytes: number; totalBytes: number }) => void, signal: AbortSignal) {
        report({ loadedBytes: 5, totalBytes: 10 });
        await Promise.race([held.get(name), new Promise((resolve) => signal.addEventListener("abort", resolve))]);
        signal.throwIfAborted();
        const model = createFakeModel({ name });
        made.push(model);
        return model;
      },
    })),
  );
  /** Counts the weights in memory, from their load to their end. */
  const counted: ModelSources = {
    ...sources,
    remove: async () => {},
    async find(name) {
      const source = await sources.find(name);
      const prepare: ModelSource["prepare"] = async (...args) => {
        const { text, start } = await source.prepare(...args);
        return {
          text,
          async start(...args) {
            most = Math.max(most, ++inMemory);
            const model = await start(...args);
            return { ...model, dispose: () => model.dispose().then(() => void inMemory--) };
          },
        };
      };
      return { name: source.name, prepare };
    },
  };
  const engine = createLocalEngine({ sources: counted, wanted: names[0]!, fallback: null, ...options });
  return {
    engine,
    made,
    /** Models that were in memory at once. */
    most: () => most,
    loads: () => made.map(({ card }) => card.name),
    /** Keeps a model from being loaded; returns what lets it. */
    hold(name: string): () => void {
      let letGo = () => {};
      held.set(
        name,
        new Promise((resolve) => {
          letGo = resolve;
        }),
      );
      return letGo;
    },
  };
}

async function modelOf(stream: ReadableStream<TokenEvent>): Promise<string> {
  let model = "";
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    if (next.value.type === "start") model = next.value.model;
  }
  return model;
}

const ready = async (status: Promise<EngineStatus>) => {
  const known = await status;
  if (known.state !== "ready") throw new Error(`it is ${known.state}`);
  return known;
};

test("a request brings in the model that it names, and the other one goes", async () => {
  const { engine, made, loads } = library(["one", "two"]);
  expect(await modelOf(engine.generate(request(null)))).toBe("one");
  expect(await modelOf(engine.generate(request("two")))).toBe("two");
  expect(made[0]?.disposed).toBe(true);
  expect(await ready(engine.status())).toMatchObject({ model: "two", residents: [{ model: "two" }] });
  expect(await modelOf(engine.generate(request(null)))).toBe("one"); // who names none gets the configured one
  expect(loads()).toEqual(["one", "two", "one"]);
});

test("as many models stay as are configured, and the one that was not used for longest goes first", async () => {
  const { engine, loads } = library(["one", "two", "three"], { maxResidents: 2 });
  for (const name of ["one", "two", "one", "three"]) await modelOf(engine.generate(request(name)));
  expect((await ready(engine.status())).residents.map(({ model }) => model)).toEqual(["three", "one"]);
  await modelOf(engine.generate(request("one")));
  expect(loads()).toEqual(["one", "two", "three"]);
});

test("an answer that is under way keeps its model until its end; who wants another one waits", async () => {
  const { engine, made } = library(["one", "two"]);
  const reader = engine.generate(request("one", 20)).getReader();
  await reader.read();
  const second = modelOf(engine.generate(request("two")));
  let tokens = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    tokens++;
    expect(made[0]?.disposed).toBe(false);
  }
  expect(tokens).toBe(21);
  expect(await second).toBe("two");
  expect(made[0]?.disposed).toBe(true);
});

test("what is wrong with a request is said before another answer is waited for", async () => {
  const { engine, loads } = library(["one", "two"]);
  const reader = engine.generate(request("one", 20)).getReader();
  await reader.read();
  const long = newRequest({ type: "text", text: "x".repeat(1000) }, { model: "two" });
  await expect(engine.admit(long)).rejects.toMatchObject({ code: "prompt-too-long" });
  await engine.admit(request("two"));
  expect(loads()).toEqual(["one", "two"]); // prepared, and not in memory
  expect((await ready(engine.status())).residents.map(({ model }) => model)).toEqual(["one"]);
  await reader.cancel();
});

test("a load can be cancelled: who waits for it hears of it, and the next request begins anew", async () => {
  const { engine, hold } = library(["one", "two"]);
  await engine.preload();
  const letGo = hold("two");
  const waiting = engine.admit(request("two"));
  await vi.waitFor(async () =>
    expect(await ready(engine.status())).toMatchObject({
      model: "one",
      loading: { model: "two", phase: "downloading", loadedBytes: 5, totalBytes: 10 },
    }),
  );
  const refused = expect(waiting).rejects.toMatchObject({ code: "load-cancelled" });
  await engine.unload("two");
  await refused;
  expect(await ready(engine.status())).toMatchObject({ model: "one", loading: null });
  letGo();
  await engine.admit(request("two"));
});

test("a model that nobody uses for long enough leaves the memory", async () => {
  vi.useFakeTimers();
  try {
    const { engine, made } = library(["one"], { keepMs: 1000 });
    await engine.preload();
    await vi.advanceTimersByTimeAsync(999);
    expect(await engine.status()).toMatchObject({ state: "ready" });
    await vi.advanceTimersByTimeAsync(1);
    expect(await engine.status()).toMatchObject({ state: "unloaded" });
    expect(made[0]?.disposed).toBe(true);
  } finally {
    vi.useRealTimers();
  }
});

test("a deleted model is unloaded", async () => {
  const { engine, made } = library(["one"]);
  await engine.preload();
  await engine.remove("one");
  expect(made[0]?.disposed).toBe(true);
});

test("whatever is asked at once, every answer comes from its model, and no more are in memory than may be", async () => {
  const names = ["one", "two", "three"];
  const step = fc.record({
    model: fc.constantFrom(...names),
    cancels: fc.boolean(),
    tokens: fc.integer({ min: 1, max: 9 }),
  });
  const steps = fc.array(step, { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 1, max: 3 }), async (asked, maxResidents) => {
      const { engine, made, most } = library(names, { maxResidents });
      await Promise.all(
        asked.map(async ({ model, cancels, tokens }) => {
          const stream = engine.generate(request(model, tokens));
          if (cancels) return stream.cancel();
          expect(await modelOf(stream)).toBe(model);
        }),
      );
      expect(most()).toBeLessThanOrEqual(maxResidents);
      await engine.unload(null);
      expect(made.flatMap(({ openCaches }) => openCaches).every((open) => open === 0)).toBe(true);
      expect((await engine.status()).state).not.toBe("ready");
    }),
    { numRuns: 60 },
  );
});
