import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseConfig } from "../core/config.ts";
import { findEntry } from "../models/catalogue.ts";
import { createFolderStore } from "./folder-store.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "minivault-"));
});
afterEach(() => rmSync(root, { recursive: true }));

const bytes = (text: string) => new TextEncoder().encode(text);
const fileOf = (text: string, path = "onnx/model.onnx") => ({ path, sizeBytes: text.length, hash: null });
const textOf = async (blob: Blob | null) => (await blob?.text()) ?? null;

test("a part is no file until it is published, and then it is the whole one", async () => {
  const store = createFolderStore(root);
  const part = await store.openPart("a/b", "onnx/model.onnx");
  await part.restart('"1"');
  await part.append(bytes("hel"));
  expect(await store.read("a/b", "onnx/model.onnx")).toBeNull();
  expect(existsSync(join(root, "a/b/onnx/model.onnx"))).toBe(false);
  expect(await store.list()).toEqual([{ model: "a/b", path: "onnx/model.onnx", sizeBytes: 3, isWhole: false }]);
  await part.append(bytes("lo"));
  await part.publish(fileOf("hello"));
  await part.close();
  expect(await textOf(await store.read("a/b", "onnx/model.onnx"))).toBe("hello");
  expect(await store.list()).toEqual([{ model: "a/b", path: "onnx/model.onnx", sizeBytes: 5, isWhole: true }]);
});

test("a part goes on where an earlier one was left, closed or not, and knows its version", async () => {
  const left = await createFolderStore(root).openPart("a/b", "x");
  await left.restart('"1"');
  await left.append(bytes("hel"));
  const part = await createFolderStore(root).openPart("a/b", "x");
  expect(part).toMatchObject({ sizeBytes: 3, etag: '"1"' });
  expect(await textOf(await part.read())).toBe("hel");
  await part.append(bytes("lo"));
  await part.publish(fileOf("hello", "x"));
  expect(readFileSync(join(root, "a/b/x"), "utf8")).toBe("hello");
  await left.close();
});

test("a part of another version begins anew, and of the wrong size is not published", async () => {
  const store = createFolderStore(root);
  const part = await store.openPart("a/b", "x");
  await part.restart('"1"');
  await part.append(bytes("old"));
  await part.restart(null);
  expect(part).toMatchObject({ sizeBytes: 0, etag: null });
  await part.append(bytes("new!"));
  await expect(part.publish(fileOf("five!", "x"))).rejects.toThrow(/4 bytes here and 5/);
  await part.close();
  const again = await store.openPart("a/b", "x");
  expect(again).toMatchObject({ sizeBytes: 4, etag: null });
  await again.close();
  expect(await store.read("a/b", "x")).toBeNull();
});

test("a model is listed by its folder, removed whole or by file, and leaves no empty folder", async () => {
  const store = createFolderStore(root);
  for (const [model, path] of [
    ["plain", "config.json"],
    ["plain", "onnx/model.onnx"],
    ["a/b", "onnx/model.onnx"],
  ] as const) {
    const part = await store.openPart(model, path);
    await part.append(bytes("x"));
    await part.publish(fileOf("x", path));
  }
  expect((await store.list()).map(({ model, path }) => `${model}: ${path}`)).toEqual([
    "a/b: onnx/model.onnx",
    "plain: config.json",
    "plain: onnx/model.onnx",
  ]);
  await store.remove("plain", "onnx/model.onnx");
  await store.remove("a/b");
  await store.remove("nothing");
  expect((await store.list()).map(({ path }) => path)).toEqual(["config.json"]);
  expect(existsSync(join(root, "a"))).toBe(false);
  expect(existsSync(join(root, "plain/onnx"))).toBe(false);
});

test("a manifest is kept beside the files, and is none of them", async () => {
  const store = createFolderStore(root);
  const manifest = { ...findEntry("a/b", parseConfig({}))!, files: [fileOf("hello")] };
  await store.saveManifest(manifest);
  expect(await createFolderStore(root).manifests()).toEqual([manifest]);
  expect(await store.list()).toEqual([]);
});

test.each([
  ["a/b", "../c/model.onnx"],
  ["a/b", "/etc/passwd"],
  ["../a", "x"],
  ["..", "x"],
])("nothing is written outside of the folder: %s, %s", async (model, path) => {
  expect(() => createFolderStore(root).openPart(model, path)).toThrow(/outside/);
});

test("however often a download is left and gone on with, the file has every byte once", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 8 }), async (chunks) => {
      for (const chunk of chunks) {
        const part = await createFolderStore(root).openPart("a/b", "x");
        await part.append(Uint8Array.from(chunk));
        await part.close();
      }
      const whole = Buffer.concat(chunks);
      const part = await createFolderStore(root).openPart("a/b", "x");
      expect(part.sizeBytes).toBe(whole.length);
      await part.publish({ path: "x", sizeBytes: whole.length, hash: null });
      expect(readFileSync(join(root, "a/b/x"))).toEqual(whole);
      await createFolderStore(root).remove("a/b");
    }),
    { numRuns: 20 },
  );
});
