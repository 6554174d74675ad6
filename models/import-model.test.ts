import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { PickedFile } from "../core/protocol.ts";
import { importModel } from "./import-model.ts";
import { createMemoryStore } from "./memory-store.ts";
import { readOnnx } from "./onnx-file.ts";

const FIXTURE = new URL("../tests/fixtures/merged-decoder/", import.meta.url);
const bytesOf = (path: string) => new Uint8Array(readFileSync(new URL(path, FIXTURE)));
const ONNX = bytesOf("onnx/decoder_model_merged.onnx");
const LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n";

type Content = string | Uint8Array<ArrayBuffer> | null;

const WHOLE: Readonly<Record<string, Content>> = {
  "config.json": bytesOf("config.json"),
  "tokenizer.json": bytesOf("tokenizer.json"),
  "tokenizer_config.json": bytesOf("tokenizer_config.json"),
  "onnx/decoder_model_merged.onnx": ONNX,
};

/** The fixture in a folder, with some files changed; `null` leaves one out. */
const folder = (changes: Record<string, Content> = {}, name = "my model/"): PickedFile[] =>
  Object.entries({ ...WHOLE, ...changes }).flatMap(([path, content]) =>
    content === null ? [] : [{ path: name + path, file: new Blob([content]) }],
  );

async function bring(files: readonly PickedFile[], options: Partial<Parameters<typeof importModel>[1]> = {}) {
  const store = options.store ?? createMemoryStore();
  const given = { taken: [], freeBytes: null, signal: new AbortController().signal, onProgress: () => {}, ...options };
  const outcome = await importModel(files, { ...given, store });
  return { store, outcome, problems: "problems" in outcome ? outcome.problems : [] };
}

test("`importModel()` stores a folder like a download: hashed, listed, each file whole", async () => {
  let told = 0;
  const { store, outcome } = await bring(folder(), { onProgress: ({ loadedBytes }) => (told = loadedBytes) });
  expect(outcome).toMatchObject({ name: "my-model", source: "import", contextTokens: 256, dtypes: { wasm: ["fp32"] } });
  const files = await store.list();
  expect(files.every(({ isWhole }) => isWhole)).toBe(true);
  expect(files.map(({ path }) => path).sort()).toEqual(Object.keys(WHOLE).sort());
  expect(told).toBe(files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
  const [manifest] = await store.manifests();
  expect(manifest?.files.every(({ hash }) => /^[0-9a-f]{64}$/.test(hash?.hex ?? ""))).toBe(true);
  expect(await (await store.read("my-model", "onnx/decoder_model_merged.onnx"))?.arrayBuffer()).toEqual(ONNX.buffer);
});

test("a name that is taken gets a number, and a hostile one is made safe", async () => {
  const { store } = await bring(folder());
  expect((await bring(folder(), { store })).outcome).toMatchObject({ name: "my-model-2" });
  expect((await bring(folder({}, "GPT2/"), { taken: ["gpt2"] })).outcome).toMatchObject({ name: "GPT2-2" });
  expect((await bring(folder({}, "../<b>/"))).outcome).toMatchObject({ name: "b" });
  expect((await bring(folder({}, ""))).outcome).toMatchObject({ name: "my-model" });
});

test("all that is wrong is said at once, each in a sentence, and nothing is stored", async () => {
  const { store, problems } = await bring(
    folder({
      "config.json": '{"architectures":["T5ForConditionalGeneration"]}',
      "tokenizer.json": "{",
      "tokenizer_config.json": null,
      "onnx/decoder_model_merged.onnx": LFS,
    }),
  );
  expect(problems).toEqual([
    "config.json names T5ForConditionalGeneration, and only decoders run here (…ForCausalLM).",
    "tokenizer_config.json is missing. It belongs beside config.json.",
    "tokenizer.json is not JSON, or not all of it. Copy it again.",
    "onnx/decoder_model_merged.onnx is only Git's pointer to the file. Run git lfs pull in the folder, then pick it again.",
  ]);
  expect(await store.list()).toEqual([]);
  expect(await store.manifests()).toEqual([]);
});

test.each([
  ["no configuration", folder({ "config.json": null }), /There is no config\.json/],
  ["two models", [...folder(), ...folder({}, "another/")], /several models/],
  ["no weights", folder({ "onnx/decoder_model_merged.onnx": null }), /no ONNX file/],
  ["weights of an unknown tokenizer", folder({ "tokenizer.json": '{"model":{"type":"X","vocab":{}}}' }), /kind X/],
  ["a text in place of weights", folder({ "onnx/decoder_model_merged.onnx": "not weights" }), /no ONNX model/],
  ["weights elsewhere", folder({ "onnx/decoder_model_merged.onnx": external("w.onnx_data") }), /needs w\.onnx_data/],
])("%s: refused", async (_, files, sentence) => {
  expect((await bring(files)).problems.join()).toMatch(sentence);
});

test("weights that lie beside the graph are stored with it", async () => {
  const files = folder({ "onnx/decoder_model_merged.onnx": external("w.onnx_data"), "onnx/w.onnx_data": "weights" });
  const { store, problems } = await bring(files);
  expect(problems).toEqual([]);
  expect(await (await store.read("my-model", "onnx/w.onnx_data"))?.text()).toBe("weights");
});

test("of several precisions the best for the GPU and the best for the CPU are taken; a flat file goes to onnx/", async () => {
  const many = Object.fromEntries(["", "_fp16", "_q4", "_quantized"].map((it) => [`onnx/model${it}.onnx`, ONNX]));
  const { outcome } = await bring(folder({ ...many, "onnx/decoder_model_merged.onnx": null }));
  expect(outcome).toMatchObject({ dtypes: { webgpu: ["fp16"], wasm: ["q8"] } });
  const flat = await bring(folder({ "weights.onnx": ONNX, "onnx/decoder_model_merged.onnx": null }));
  expect((await flat.store.list()).map(({ path }) => path)).toContain("onnx/model.onnx");
});

test("what does not fit is refused before, and a cancelled one leaves nothing", async () => {
  expect((await bring(folder(), { freeBytes: 1000 })).problems.join()).toMatch(/room for 0 MB/);
  const store = createMemoryStore();
  const cancelled = new AbortController();
  const importing = bring(folder(), { store, signal: cancelled.signal, onProgress: () => cancelled.abort() });
  await expect(importing).rejects.toMatchObject({ code: "load-cancelled" });
  expect(await store.list()).toEqual([]);
  expect(await store.manifests()).toEqual([]);
});

test("`readOnnx()` never takes a file that is cut off, wherever", async () => {
  await expect(readOnnx(new Blob([ONNX]))).resolves.toMatchObject({ inputs: expect.arrayContaining(["input_ids"]) });
  const cut = fc.oneof(
    fc.nat(ONNX.length - 1),
    fc.nat(200),
    fc.integer({ min: ONNX.length - 200, max: ONNX.length - 1 }),
  );
  await fc.assert(
    fc.asyncProperty(cut, async (length) => {
      await expect(readOnnx(new Blob([ONNX.slice(0, length)]))).rejects.toThrow(/again/);
    }),
  );
});

test("`readOnnx()` ends on any bytes, with a sentence", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 500 }), async (bytes) => {
      await readOnnx(new Blob([Uint8Array.from(bytes)])).catch((cause) => expect(cause.message).toMatch(/again\.$/));
    }),
  );
});

/** A graph with the inputs of a decoder, whose only weights lie in another file. */
function external(file: string): Uint8Array<ArrayBuffer> {
  const text = (number: number, value: string) => message(number, [...new TextEncoder().encode(value)]);
  const message = (number: number, content: number[]) => [number * 8 + 2, content.length, ...content];
  const inputs = ["input_ids", "past_key_values.0.key"].flatMap((name) => message(11, text(1, name)));
  const location = message(13, [...text(1, "location"), ...text(2, file)]);
  const graph = [...message(5, location), ...inputs];
  return Uint8Array.from([8, 9, ...message(7, graph), ...message(8, [16, 17])]);
}
