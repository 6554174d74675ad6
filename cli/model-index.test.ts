import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { build } from "vite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { indexModels, modelIndex } from "./model-index.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "minivault-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

test("the built site says which models it has, with sizes and hashes, and has no half of a file", async () => {
  write("index.html", "<p>a page</p>");
  write("public/models/plain/config.json", "{}");
  write("public/models/plain/onnx/model.onnx", "weights");
  write("public/models/owner/name/config.json", "{ }");
  write("public/models/owner/name/.minivault.json", "{}");
  write("public/models/owner/name/onnx/model_quantized.onnx", "8 bits");
  write("public/models/owner/name/onnx/model.onnx", "a graph");
  write("public/models/owner/name/onnx/model.onnx_data.part", "wei");
  write("public/models/owner/name/onnx/model.onnx_data.part.etag", '"1"');
  write("public/models/owner/begun/config.json", "{}");
  write("public/models/owner/begun/onnx/model.onnx.part", "wei");
  write("public/models/owner/not-a-model/notes.txt", "");
  await build({ root, configFile: false, logLevel: "silent", plugins: [modelIndex()] });

  const index = JSON.parse(readFileSync(join(root, "dist/models/index.json"), "utf8"));
  const hashed = (path: string, text: string) => ({
    path,
    sizeBytes: text.length,
    hash: { type: "sha256", hex: sha256(text) },
  });
  expect(index).toEqual([
    { repo: "owner/name", files: [hashed("config.json", "{ }"), hashed("onnx/model_quantized.onnx", "8 bits")] },
    { repo: "plain", files: [hashed("config.json", "{}"), hashed("onnx/model.onnx", "weights")] },
  ]);
  expect(existsSync(join(root, "dist/models/plain/onnx/model.onnx"))).toBe(true);
  for (const part of ["model.onnx_data.part", "model.onnx_data.part.etag"]) {
    expect(existsSync(join(root, "dist/models/owner/name/onnx", part)), part).toBe(false);
    expect(existsSync(join(root, "public/models/owner/name/onnx", part)), part).toBe(true);
  }
});

test("a site without models has an empty index", async () => {
  expect(await indexModels(join(root, "public/models"))).toEqual([]);
});

test("the embedded model is in the index of this repository", async () => {
  const index = await indexModels(join(import.meta.dirname, "../public/models"));
  const paths = index.find(({ repo }) => repo === "minivault-demo")?.files.map(({ path }) => path);
  expect(paths).toEqual(expect.arrayContaining(["config.json", "onnx/model.onnx", "tokenizer.json"]));
});
