import { afterEach, expect, test } from "vitest";
import { VaultError } from "../core/errors.ts";
import { libraryAt, type RemoteLibrary, serveLibrary } from "./library-port.ts";
import type { ModelManifest } from "./model-entry.ts";
import type { FetchOptions, ModelLibrary } from "./model-library.ts";

const MANIFEST = { name: "owner/name", files: [] } as unknown as ModelManifest;
let channel: MessageChannel;
afterEach(() => {
  channel.port1.close();
  channel.port2.close();
});

function connect(library: Partial<ModelLibrary>, opened = Promise.resolve()): RemoteLibrary {
  channel = new MessageChannel();
  channel.port1.start();
  channel.port2.start();
  serveLibrary(
    opened.then(() => library as ModelLibrary),
    channel.port1,
  );
  return libraryAt(channel.port2);
}

test("answers and errors come through with their codes", async () => {
  const library = connect({
    describe: async (name) => ({ ...MANIFEST, name }),
    list: async () => [],
    remove: async () => {
      throw new VaultError("model-unavailable", "It is away.");
    },
  });
  expect(await library.describe("a/b")).toEqual({ name: "a/b", files: [] });
  expect(await library.list()).toEqual([]);
  await expect(library.remove("a/b")).rejects.toMatchObject({ code: "model-unavailable", message: "It is away." });
});

test("bytes move: the sender has them no longer", async () => {
  const bytes = new Uint8Array([1, 2, 3]).buffer;
  const library = connect({ read: async () => bytes });
  expect(new Uint8Array((await library.read(MANIFEST, "a"))!)).toEqual(new Uint8Array([1, 2, 3]));
  expect(bytes.byteLength).toBe(0);
});

test("progress and the caller's signal come through", async () => {
  const library = connect({
    fetch: (_, paths, { onProgress, signal }: FetchOptions) =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener("abort", () => reject(new VaultError("load-cancelled", "As you wish.")));
        onProgress?.({ loadedBytes: paths.length, totalBytes: 2 });
      }),
  });
  const leave = new AbortController();
  const seen: unknown[] = [];
  const onProgress = (progress: unknown) => {
    seen.push(progress);
    leave.abort();
  };
  await expect(library.fetch(MANIFEST, ["a"], { onProgress, signal: leave.signal })).rejects.toMatchObject({
    code: "load-cancelled",
    message: "As you wish.",
  });
  expect(seen).toEqual([{ loadedBytes: 1, totalBytes: 2 }]);
  await expect(library.fetch(MANIFEST, ["a"], { signal: leave.signal })).rejects.toMatchObject({
    code: "load-cancelled",
  });
});

test("a library that cannot be opened refuses its callers; one that dies does too", async () => {
  const library = connect({}, Promise.reject(new VaultError("engine-failed", "No.")));
  await expect(library.list()).rejects.toMatchObject({ code: "engine-failed", message: "No." });
  const waiting = connect({ list: () => new Promise(() => {}) });
  const list = waiting.list();
  waiting.fail(new VaultError("engine-failed", "It is gone."));
  await expect(list).rejects.toThrow("It is gone.");
});
