import { expect, test, vi } from "vitest";
import { newRequest } from "../core/generate-request.ts";
import type { EngineStatus, TokenEvent } from "../core/protocol.ts";
import { createFakeModel, type FakeModel } from "../tests/fixtures/fake-model.ts";
import { engineOf } from "../tests/fixtures/fixed-sources.ts";
import type { Report } from "./model-source.ts";

const request = newRequest({ type: "text", text: "a" }, { maxNewTokens: 3, seed: 1 });

/** Fails as long as `reachable` is false. */
function source(name: string, model: FakeModel = createFakeModel({ name })) {
  const made = {
    name,
    model,
    loads: 0,
    reachable: true,
    async load(report: Report) {
      made.loads++;
      report({ loadedBytes: 5, totalBytes: 10 });
      if (!made.reachable) throw new Error(`${name} cannot be reached`);
      return model;
    },
  };
  return made;
}

async function textOf(stream: ReadableStream<TokenEvent>): Promise<string> {
  let text = "";
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    if ("text" in next.value) text += next.value.text;
  }
  return text;
}

test("the model is loaded once, by the first request, and the status tells", async () => {
  const wanted = source("wanted");
  const seen: EngineStatus[] = [];
  const engine = engineOf(wanted, { onStatus: (status) => seen.push(status) });
  expect(await engine.status()).toEqual({ state: "absent" });
  await Promise.all([engine.admit(request), engine.admit(request)]);
  expect(await textOf(engine.generate(request))).toBe("bcd");
  expect(wanted.loads).toBe(1);
  expect(seen.map(({ state }) => state)).toEqual(["loading", "loading", "loading", "ready"]);
  expect(await engine.status()).toMatchObject({ state: "ready", model: "wanted", fallback: null });
});

test("a load that failed is tried again by the next request", async () => {
  const wanted = source("wanted");
  wanted.reachable = false;
  const engine = engineOf(wanted);
  await expect(engine.admit(request)).rejects.toThrow(/cannot be reached/);
  expect(await engine.status()).toMatchObject({ state: "failed", error: { code: "engine-failed" } });
  wanted.reachable = true;
  await engine.admit(request);
  expect(await engine.status()).toMatchObject({ state: "ready" });
});

test("a model that cannot be had is replaced, said so, and taken back when it can", async () => {
  const wanted = source("wanted");
  const fallback = source("fallback");
  wanted.reachable = false;
  const engine = engineOf(wanted, { fallback });
  await engine.preload();
  expect(await engine.status()).toMatchObject({
    model: "fallback",
    fallback: { wanted: "wanted", reason: expect.stringContaining("wanted cannot be reached") },
  });
  await engine.retry();
  expect(await engine.status()).toMatchObject({ model: "fallback", loading: null });

  wanted.reachable = true;
  await engine.retry();
  expect(await engine.status()).toMatchObject({ model: "wanted", fallback: null });
  expect(fallback.model.disposed).toBe(true);
  await engine.retry();
  expect(wanted.loads).toBe(3); // the wanted model is there: nothing to do
});

test("a replaced model finishes what it has begun before it is disposed", async () => {
  const wanted = source("wanted");
  const fallback = source("fallback");
  wanted.reachable = false;
  const engine = engineOf(wanted, { fallback });
  const reader = engine.generate({ ...request, maxNewTokens: 20 }).getReader();
  await reader.read();
  wanted.reachable = true;
  const retried = engine.retry();
  expect(fallback.model.disposed).toBe(false);
  let tokens = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) tokens++;
  expect(tokens).toBe(21);
  await retried;
  expect(fallback.model.disposed).toBe(true);
  expect(await engine.status()).toMatchObject({ model: "wanted", fallback: null });
});

test("a cancelled stream gives its model back", async () => {
  const wanted = source("wanted");
  const fallback = source("fallback");
  wanted.reachable = false;
  const engine = engineOf(wanted, { fallback });
  const stream = engine.generate({ ...request, maxNewTokens: 200 });
  const reader = stream.getReader();
  await reader.read();
  await reader.cancel();
  wanted.reachable = true;
  await engine.retry();
  expect(fallback.model.disposed).toBe(true);
  expect(fallback.model.openCaches).toBe(0);
});

test("a model that is not loaded is refused by name", async () => {
  const engine = engineOf(source("wanted"));
  await expect(engine.admit({ ...request, model: "other" })).rejects.toMatchObject({ code: "model-not-found" });
  await engine.admit({ ...request, model: "wanted" });
});

test("a model is unloaded on request, once nobody uses it, and loaded again by the next request", async () => {
  const wanted = source("wanted");
  const engine = engineOf(wanted);
  await engine.unload(null); // nothing is there to unload
  const reader = engine.generate({ ...request, maxNewTokens: 20 }).getReader();
  await reader.read();
  await expect(engine.unload("other")).rejects.toMatchObject({ code: "model-not-found" });
  await engine.unload("wanted");
  expect(await engine.status()).toMatchObject({ state: "unloaded", card: { name: "wanted" } });
  expect(wanted.model.disposed).toBe(false);
  let tokens = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) tokens++;
  expect(tokens).toBe(21);
  expect(wanted.model.disposed).toBe(true);
  await engine.load(null, null);
  expect(wanted.loads).toBe(2);
  expect(await engine.status()).toMatchObject({ state: "ready", expiresMs: null });
});

test("a model that is kept for a while is unloaded when that is over, counted from its last use", async () => {
  vi.useFakeTimers();
  try {
    const engine = engineOf(source("wanted"));
    await engine.load("wanted", 1000);
    expect(await engine.status()).toMatchObject({ state: "ready", expiresMs: Date.now() + 1000 });
    vi.advanceTimersByTime(900);
    const reader = engine.generate(request).getReader();
    await reader.read();
    vi.advanceTimersByTime(900);
    expect(await engine.status()).toMatchObject({ state: "ready", expiresMs: null }); // in use
    await reader.cancel();
    vi.advanceTimersByTime(999);
    expect(await engine.status()).toMatchObject({ state: "ready" });
    vi.advanceTimersByTime(1);
    expect(await engine.status()).toMatchObject({ state: "unloaded" });
  } finally {
    vi.useRealTimers();
  }
});

test("a request may keep the model for no longer than itself, or for ever", async () => {
  const engine = engineOf(source("wanted"));
  await textOf(engine.generate({ ...request, keepAliveMs: 60_000 }));
  expect(await engine.status()).toMatchObject({ state: "ready", expiresMs: expect.any(Number) });
  await textOf(engine.generate({ ...request, keepAliveMs: Number.POSITIVE_INFINITY }));
  expect(await engine.status()).toMatchObject({ state: "ready", expiresMs: null });
  await textOf(engine.generate({ ...request, keepAliveMs: 0 }));
  expect(await engine.status()).toMatchObject({ state: "unloaded" });
});

test("tokens and texts are turned into each other", async () => {
  const engine = engineOf(source("wanted"));
  expect(await engine.tokenise("hi", false, true)).toEqual([
    { tokenId: 104, text: "h", bytes: [104] },
    { tokenId: 105, text: "i", bytes: [105] },
  ]);
  expect(await engine.detokenise([104, 105])).toBe("hi");
  await expect(engine.detokenise([256])).rejects.toMatchObject({ code: "bad-request" });
});
