import { expect, test } from "vitest";
import { parseConfig } from "../core/config.ts";
import { catalogueOf, EMBEDDED, findEntry } from "./catalogue.ts";
import { pathsToLoad, sizeOf } from "./manifest.ts";
import type { ModelManifest } from "./model-entry.ts";

const DEFAULT = parseConfig({});

test("`findEntry()` knows a model by its name and by its hub id, and takes any other id", () => {
  expect(findEntry("distilgpt2", DEFAULT)).toBe(findEntry("Xenova/distilgpt2", DEFAULT));
  expect(findEntry("minivault-demo", DEFAULT)).toBe(EMBEDDED);
  expect(findEntry("someone/some-gpt2", DEFAULT)).toMatchObject({
    name: "someone/some-gpt2",
    source: "hub",
    files: null,
    dtypes: { webgpu: expect.arrayContaining(["fp16"]), wasm: expect.arrayContaining(["q8"]) },
  });
});

test.each(["nothing", "a/b/c", "../secret", "a/..", "a b/c", ""])("there is no model %j", (name) => {
  expect(findEntry(name, DEFAULT)).toBeNull();
});

test("where requests may not name hub ids, those of the catalogue and of the configuration remain", () => {
  const config = parseConfig({ model: "me/mine", limits: { hub_ids: false } });
  expect(findEntry("someone/some-gpt2", config)).toBeNull();
  expect(findEntry("me/mine", config)?.repo).toBe("me/mine");
  expect(findEntry("Xenova/distilgpt2", config)?.name).toBe("distilgpt2");
});

test("the configuration's models come first, and replace ours of the same name", () => {
  const config = parseConfig({
    models: [
      { name: "distilgpt2", repo: "Xenova/distilgpt2", revision: "main" },
      { name: "own", repo: "me/own", dtypes: { wasm: ["fp32"] }, licence: "MIT", context_tokens: 64 },
      { name: "in-a-folder" },
    ],
  });
  expect(findEntry("distilgpt2", config)).toMatchObject({ files: null, revision: "main", parameters: "82M" });
  expect(findEntry("own", config)).toMatchObject({ source: "hub", licence: "MIT", contextTokens: 64 });
  expect(findEntry("own", config)?.dtypes).toEqual({
    wasm: ["fp32"],
    webgpu: findEntry("a/b", config)?.dtypes.webgpu,
  });
  expect(findEntry("in-a-folder", config)).toMatchObject({ source: "site", repo: "in-a-folder" });
  expect(catalogueOf(config).filter(({ name }) => name === "distilgpt2")).toHaveLength(1);
});

test("names can be asked for in the configuration and are unique, and no model has 4-bit weights on the CPU", () => {
  const entries = catalogueOf(DEFAULT);
  expect(new Set(entries.map(({ name }) => name)).size).toBe(entries.length);
  for (const { name, dtypes } of entries) {
    expect(parseConfig({ model: name }).model).toBe(name);
    expect(dtypes.wasm).not.toContain("q4");
    expect(dtypes.webgpu).not.toContain("q8");
  }
});

test("the default model's files are known without asking the hub", () => {
  const manifest = findEntry("distilgpt2", DEFAULT) as ModelManifest;
  expect(manifest.revision).toMatch(/^[\da-f]{40}$/);
  expect(sizeOf(manifest, pathsToLoad(manifest, "q8"))).toBe(87_020_477);
  expect(pathsToLoad(manifest, "fp16")).toContain("onnx/decoder_model_merged_fp16.onnx");
});
