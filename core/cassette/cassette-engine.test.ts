import { expect, test, vi } from "vitest";
import { asJsonl } from "../../tests/fixtures/any-recording.ts";
import { createFakeModel } from "../../tests/fixtures/fake-model.ts";
import { engineOf } from "../../tests/fixtures/fixed-sources.ts";
import { SCHEMA_3 } from "../../tests/fixtures/old-records.ts";
import { requestOf } from "../log/replay.ts";
import { upgradeRecord } from "../log/upgrade-record.ts";
import type { GenerateRequest } from "../protocol.ts";
import { createCassetteEngine } from "./cassette-engine.ts";

const PARIS = { ...SCHEMA_3, queue_ms: 0, ttft_ms: 0 };
const REQUEST: GenerateRequest = { ...requestOf(upgradeRecord(SCHEMA_3)), model: null };

/** Files by name, and an engine below that counts what it loads. */
function setUp(wanted: string, files: Record<string, string> = { paris: asJsonl([PARIS]) }) {
  const load = vi.fn(async () => createFakeModel({ next: () => 65 }));
  const onStatus = vi.fn();
  const read = vi.fn(async (name: string) => files[name] ?? null);
  const below = engineOf({ name: "fake", load });
  const engine = createCassetteEngine(below, { read, where: "/cassettes/", wanted, onStatus });
  return { engine, load, read, files, onStatus };
}

async function answer(engine: ReturnType<typeof setUp>["engine"], request: GenerateRequest): Promise<string> {
  await engine.admit(request);
  const reader = engine.generate(request).getReader();
  let text = "";
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    if (next.value.type === "token" || next.value.type === "done") text += next.value.text;
  }
  return text;
}

test("the site's cassette answers requests that name no model, and no model is loaded", async () => {
  const { engine, load, read, onStatus } = setUp("cassette:paris");
  expect(await engine.status()).toEqual({ state: "absent" });
  await engine.load(null, null);
  expect(await engine.status()).toMatchObject({
    state: "ready",
    model: "cassette:paris",
    device: "wasm",
    loading: null,
    residents: [{ model: "cassette:paris" }],
  });
  expect(await answer(engine, REQUEST)).toBe(" Paris.");
  expect([load.mock.calls.length, read.mock.calls.length, onStatus.mock.calls.length]).toEqual([0, 1, 2]);
});

test("a request that names a model gets that one, beside the cassette", async () => {
  const { engine, load } = setUp("cassette:paris");
  await engine.load(null, null);
  expect(await answer(engine, { ...REQUEST, model: "fake", maxNewTokens: 2, format: null })).toBe("AA");
  expect(load).toHaveBeenCalledTimes(1);
  expect(await engine.status()).toMatchObject({
    model: "cassette:paris",
    residents: [{ model: "cassette:paris" }, { model: "fake" }],
  });
});

test("where a model is the site's own, a cassette is asked for by name", async () => {
  const { engine, read } = setUp("fake");
  expect(await answer(engine, { ...REQUEST, model: "cassette:paris" })).toBe(" Paris.");
  expect(await engine.status()).toEqual({ state: "absent" });
  expect(await answer(engine, { ...REQUEST, maxNewTokens: 2 })).toBe("AA");
  expect(await engine.status()).toMatchObject({ state: "ready", model: "fake" });
  expect(read.mock.calls).toEqual([["paris"]]);
});

test("a cassette that is not there is a 404 that says where it is looked for, until it is there", async () => {
  const { engine, files, read } = setUp("cassette:rome");
  await expect(engine.admit(REQUEST)).rejects.toMatchObject({
    code: "model-not-found",
    message: "There is no cassette rome: it would be /cassettes/rome.jsonl.",
  });
  expect(await engine.status()).toMatchObject({ state: "failed", error: { code: "model-not-found" } });
  files["rome"] = asJsonl([PARIS]);
  expect(await answer(engine, REQUEST)).toBe(" Paris.");
  expect(await engine.status()).toMatchObject({ state: "ready" });

  for (const name of ["../secret", "", ".", "a/b", "%2e"]) {
    await expect(engine.admit({ ...REQUEST, model: `cassette:${name}` })).rejects.toMatchObject({
      code: "model-not-found",
    });
  }
  expect(read.mock.calls.flat()).toEqual(["rome", "rome"]);
});

test("one that is unloaded begins anew, with the file as it is then", async () => {
  const { engine, files } = setUp("cassette:paris");
  await engine.load(null, null);
  files["paris"] = asJsonl([{ ...PARIS, response: " Lyon." }]);
  expect(await answer(engine, REQUEST)).toBe(" Paris.");
  await engine.unload("cassette:paris");
  expect(await engine.status()).toMatchObject({ state: "unloaded", card: { name: "cassette:paris" } });
  expect(await answer(engine, REQUEST)).toBe(" Lyon.");
});
