import { assert } from "chai";
import { GREEDY } from "../../core/protocol.ts";
import type { FileStore, StoredFile } from "../../models/file-store.ts";
import { createHasher } from "../../models/hash.ts";
import type { ModelFile, ModelManifest } from "../../models/model-entry.ts";

/** Each call is a new one, over the same files. */
export type OpenStore = () => Promise<FileStore>;

export interface StoreCase {
  readonly name: string;
  run(open: OpenStore): Promise<void>;
}

let lastModel = 0;
/** No case may lean on what another one left. */
const newModel = () => `owner/model-${Date.now()}-${++lastModel}`;

/** Noise that differs at every place, the same for the same seed. */
export function noise(sizeBytes: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(sizeBytes);
  let state = seed;
  for (let i = 0; i < sizeBytes; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

export const bytesOf = async (blob: Blob | null): Promise<Uint8Array | null> =>
  blob && new Uint8Array(await blob.arrayBuffer());

const fileOf = (path: string, sizeBytes: number): ModelFile => ({ path, sizeBytes, hash: null });

const kept = async (store: FileStore, model: string): Promise<StoredFile[]> =>
  (await store.list())
    .filter((file) => file.model === model)
    .sort((a, b) => inOrder(a.path, b.path) || inOrder(b.isWhole, a.isWhole));

const inOrder = <T>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

async function keep(store: FileStore, model: string, path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const part = await store.openPart(model, path);
  await part.append(bytes);
  await part.publish(fileOf(path, bytes.byteLength));
}

const manifestOf = (name: string, parameters: string): ModelManifest => ({
  name,
  source: "hub",
  repo: name,
  revision: "main",
  files: [fileOf("onnx/model.onnx", 7), { path: "a", sizeBytes: 0, hash: { type: "git-sha1", hex: "e69de29b" } }],
  dtypes: { webgpu: ["fp16"], wasm: ["q8"] },
  defaults: GREEDY,
  parameters,
  licence: "MIT",
  contextTokens: null,
  chatStop: ["\nUser:"],
  aboutBytes: null,
});

export const FILE_STORE_CONTRACT: readonly StoreCase[] = [
  {
    name: "a part is not a file until it is published, and then it is no part any more",
    async run(open) {
      const [store, model] = [await open(), newModel()];
      const part = await store.openPart(model, "onnx/model.onnx");
      assert.deepEqual([part.sizeBytes, part.etag], [0, null]);
      await part.append(noise(1000));
      assert.equal(part.sizeBytes, 1000);
      assert.isNull(await store.read(model, "onnx/model.onnx"));
      await part.publish(fileOf("onnx/model.onnx", 1000));
      assert.deepEqual(await bytesOf(await store.read(model, "onnx/model.onnx")), noise(1000));
      assert.deepEqual(await kept(store, model), [{ model, path: "onnx/model.onnx", sizeBytes: 1000, isWhole: true }]);
      await part.close(); // who publishes may close as well
    },
  },
  {
    name: "a part goes on where it was, with its tag, in a store that was opened later",
    async run(open) {
      const [store, model] = [await open(), newModel()];
      const part = await store.openPart(model, "a");
      await part.restart('W/"tag ü"');
      await part.append(noise(3000).slice(0, 2000));
      await part.close();
      assert.deepEqual(await kept(store, model), [{ model, path: "a", sizeBytes: 2000, isWhole: false }]);

      const later = await open();
      assert.isNull(await later.read(model, "a"));
      const rest = await later.openPart(model, "a");
      assert.deepEqual([rest.sizeBytes, rest.etag], [2000, 'W/"tag ü"']);
      assert.deepEqual(await bytesOf(await rest.read()), noise(2000));
      await rest.append(noise(3000).slice(2000));
      await rest.publish(fileOf("a", 3000));
      assert.deepEqual(await bytesOf(await (await open()).read(model, "a")), noise(3000));
    },
  },
  {
    name: "a part can be read while it is written",
    async run(open) {
      const part = await (await open()).openPart(newModel(), "a");
      assert.deepEqual(await bytesOf(await part.read()), noise(0));
      await part.append(noise(10));
      assert.deepEqual(await bytesOf(await part.read()), noise(10));
      await part.append(noise(20).slice(10));
      assert.deepEqual(await bytesOf(await part.read()), noise(20));
      await part.close();
    },
  },
  {
    name: "restart() empties a part and gives it another tag, or none",
    async run(open) {
      const [store, model] = [await open(), newModel()];
      const part = await store.openPart(model, "a");
      await part.restart("one");
      await part.append(noise(500));
      await part.restart("two");
      assert.deepEqual([part.sizeBytes, part.etag], [0, "two"]);
      await part.append(noise(5, 2));
      await part.close();
      const again = await (await open()).openPart(model, "a");
      assert.deepEqual([again.etag, await bytesOf(await again.read())], ["two", noise(5, 2)]);
      await again.restart(null);
      await again.append(noise(7, 3));
      await again.close();
      const last = await store.openPart(model, "a");
      assert.deepEqual([last.etag, await bytesOf(await last.read())], [null, noise(7, 3)]);
      await last.close();
    },
  },
  {
    name: "what has another size than the file is not published, and stays a part",
    async run(open) {
      const [store, model] = [await open(), newModel()];
      const part = await store.openPart(model, "a");
      await part.append(noise(10));
      const refusal = await part.publish(fileOf("a", 11)).catch((cause) => cause);
      assert.deepInclude(refusal, { name: "VaultError", code: "model-broken" });
      assert.match(refusal.message, /^a has 10 bytes here and 11 where it comes from: .*\.$/);
      assert.isNull(await store.read(model, "a"));
      await part.append(noise(11).slice(10));
      await part.publish(fileOf("a", 11));
      assert.deepEqual(await bytesOf(await store.read(model, "a")), noise(11));
    },
  },
  {
    name: "a file stays while its next version is fetched, and is replaced by it as a whole",
    async run(open) {
      const [store, model] = [await open(), newModel()];
      await keep(store, model, "a", noise(100));
      const part = await store.openPart(model, "a");
      assert.equal(part.sizeBytes, 0);
      await part.append(noise(90, 2));
      await part.close();
      assert.deepEqual(await bytesOf(await store.read(model, "a")), noise(100));
      assert.deepEqual(
        (await kept(store, model)).map(({ sizeBytes, isWhole }) => ({ sizeBytes, isWhole })),
        [
          { sizeBytes: 100, isWhole: true },
          { sizeBytes: 90, isWhole: false },
        ],
      );
      const rest = await (await open()).openPart(model, "a");
      await rest.publish(fileOf("a", 90));
      assert.deepEqual(await bytesOf(await store.read(model, "a")), noise(90, 2));
      assert.lengthOf(await kept(store, model), 1);
    },
  },
  {
    name: "an empty file is a file",
    async run(open) {
      const [store, model] = [await open(), newModel()];
      await (await store.openPart(model, "empty")).publish(fileOf("empty", 0));
      assert.equal((await store.read(model, "empty"))?.size, 0);
      assert.deepEqual(await kept(store, model), [{ model, path: "empty", sizeBytes: 0, isWhole: true }]);
    },
  },
  {
    name: "the bytes of a chunk are taken when it is appended",
    async run(open) {
      const [store, model] = [await open(), newModel()];
      const part = await store.openPart(model, "a");
      const chunk = noise(50);
      await part.append(chunk);
      chunk.set(noise(50, 2));
      await part.append(chunk.subarray(10, 20));
      chunk.fill(0);
      await part.publish(fileOf("a", 60));
      const bytes = await bytesOf(await store.read(model, "a"));
      assert.deepEqual(bytes, Uint8Array.of(...noise(50), ...noise(50, 2).slice(10, 20)));
    },
  },
  {
    name: "removing a file takes its part along, and nothing else",
    async run(open) {
      const [store, model] = [await open(), newModel()];
      await keep(store, model, "a", noise(1));
      await keep(store, model, "a/b", noise(2));
      const part = await store.openPart(model, "a");
      await part.restart("old");
      await part.append(noise(3));
      await part.close();
      await store.remove(model, "a");
      assert.isNull(await store.read(model, "a"));
      assert.deepEqual(await kept(store, model), [{ model, path: "a/b", sizeBytes: 2, isWhole: true }]);
      const anew = await store.openPart(model, "a");
      assert.deepEqual([anew.sizeBytes, anew.etag], [0, null]);
      await anew.close();
    },
  },
  {
    name: "removing a model takes all it has along, and nothing else",
    async run(open) {
      const [store, model, other] = [await open(), newModel(), newModel()];
      await keep(store, model, "a", noise(1));
      await (await store.openPart(model, "b")).close();
      await store.saveManifest(manifestOf(model, "1M"));
      await keep(store, other, "a", noise(9));
      await store.remove(model);
      assert.isNull(await store.read(model, "a"));
      assert.deepEqual(
        [await kept(store, model), await kept(store, other)].map(({ length }) => length),
        [0, 1],
      );
      assert.notInclude(
        (await store.manifests()).map(({ name }) => name),
        model,
      );
      assert.deepEqual(await bytesOf(await store.read(other, "a")), noise(9));
    },
  },
  {
    name: "removing what is not there is fine, and so is reading it",
    async run(open) {
      const [store, model] = [await open(), newModel()];
      await store.remove(model);
      await store.remove(model, "a");
      assert.isNull(await store.read(model, "a"));
      await keep(store, model, "b", noise(1));
      await store.remove(model, "a");
      assert.isNull(await store.read(model, "a"));
      assert.lengthOf(await kept(store, model), 1);
    },
  },
  {
    name: "names are kept apart, whatever is in them",
    async run(open) {
      const [store, first] = [await open(), newModel()];
      const models = [first, first.toUpperCase(), `${first}/`, `${first}%2F`, `${first}%2f`, `${first}.`, `${first}..`];
      const paths = [
        ".",
        "..",
        "a/b",
        "a%2Fb",
        "../a",
        "/a",
        "A/B",
        "a b",
        "a?b#c&d=e",
        "größe",
        "gro\u0308ße",
        "模型🤖",
      ];
      for (const [i, path] of paths.entries()) await keep(store, first, path, Uint8Array.of(0, i));
      for (const [i, model] of models.entries()) await keep(store, model, "a", Uint8Array.of(1, i));
      assert.sameMembers(
        (await kept(store, first)).map(({ path }) => path),
        [...paths, "a"],
      );
      for (const [i, path] of paths.entries()) {
        assert.deepEqual(await bytesOf(await store.read(first, path)), Uint8Array.of(0, i), path);
      }
      for (const [i, model] of models.entries()) {
        assert.deepEqual(await bytesOf(await store.read(model, "a")), Uint8Array.of(1, i), model);
        await store.remove(model);
      }
    },
  },
  {
    name: "a manifest comes back as it was saved, the last one of each model",
    async run(open) {
      const [store, model, other] = [await open(), newModel(), newModel()];
      for (const parameters of ["1M", "2M"]) await store.saveManifest(manifestOf(model, parameters));
      await store.saveManifest(manifestOf(other, "größer"));
      const all = await (await open()).manifests();
      assert.deepEqual(
        all.filter(({ name }) => name === model || name === other).sort((a, b) => inOrder(a.name, b.name)),
        [manifestOf(model, "2M"), manifestOf(other, "größer")].sort((a, b) => inOrder(a.name, b.name)),
      );
      assert.deepEqual(await kept(store, model), []); // it is no file
    },
  },
  {
    name: "two stores see what the other one publishes and removes",
    async run(open) {
      const [one, other, model] = [await open(), await open(), newModel()];
      await keep(one, model, "a", noise(10));
      assert.deepEqual(await bytesOf(await other.read(model, "a")), noise(10));
      await keep(other, model, "b", noise(20));
      assert.deepEqual(
        (await kept(one, model)).map(({ path }) => path),
        ["a", "b"],
      );
      await other.remove(model, "a");
      assert.isNull(await one.read(model, "a"));
    },
  },
  {
    name: "40 MB in chunks of 64 kB come back as they were, with one stop on the way",
    async run(open) {
      const [model, chunks, chunkBytes] = [newModel(), 640, 65_536];
      const file = { ...fileOf("large", chunks * chunkBytes), hash: null };
      const base = noise(chunkBytes + chunks);
      let part = await (await open()).openPart(model, "large");
      const hashOf = async () => (await import("hash-wasm")).createSHA256();
      const [sent, back] = [await hashOf(), await hashOf()];
      for (let i = 0; i < chunks; i++) {
        const chunk = base.slice(i, i + chunkBytes); // no two are alike
        sent.update(chunk);
        await part.append(chunk);
        if (i !== chunks / 2) continue;
        await part.close();
        part = await (await open()).openPart(model, "large");
        assert.equal(part.sizeBytes, (i + 1) * chunkBytes);
      }
      await part.publish(file);
      const store = await open();
      const blob = await store.read(model, "large");
      assert.equal(blob?.size, file.sizeBytes);
      const reader = blob!.stream().getReader();
      for (let next = await reader.read(); !next.done; next = await reader.read()) back.update(next.value);
      const hex = sent.digest("hex");
      assert.equal(back.digest("hex"), hex);
      const hasher = await createHasher({ ...file, hash: { type: "sha256", hex } });
      hasher.update(new Uint8Array(await blob!.arrayBuffer()));
      assert.isTrue(hasher.matches());
      await store.remove(model);
    },
  },
];
