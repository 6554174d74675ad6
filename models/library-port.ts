import { asVaultError, VaultError } from "../core/errors.ts";
import type { Progress, WireError } from "../core/protocol.ts";
import type { ModelManifest } from "./model-entry.ts";
import type { ModelLibrary } from "./model-library.ts";
import { cancelled } from "./retry.ts";

/** A `ModelLibrary` in another thread: what crosses, and both ends of it. */

type Call =
  | { readonly method: "describe" | "pause" | "remove"; readonly name: string }
  | { readonly method: "fetch"; readonly manifest: ModelManifest; readonly paths: readonly string[] }
  | { readonly method: "read"; readonly manifest: ModelManifest; readonly path: string }
  | { readonly method: "list" };

type ToLibrary =
  | { readonly type: "call"; readonly id: number; readonly call: Call }
  /** The caller's signal did. */
  | { readonly type: "abort"; readonly id: number };

type FromLibrary =
  | { readonly type: "result"; readonly id: number; readonly value: unknown }
  | { readonly type: "error"; readonly id: number; readonly error: WireError }
  | { readonly type: "progress"; readonly id: number; readonly progress: Progress };

/** Of a worker, its own global scope, or a `MessagePort` that has been started. */
export interface Port {
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
}

/** Calls wait for a library that is not open yet. */
export function serveLibrary(opened: Promise<ModelLibrary>, port: Port): void {
  opened.catch(() => {}); // every caller is told
  const aborts = new Map<number, AbortController>();
  const post = (message: FromLibrary, transfer: Transferable[] = []) => port.postMessage(message, transfer);

  const perform = async (id: number, call: Call): Promise<unknown> => {
    const abort = new AbortController();
    aborts.set(id, abort);
    const library = await opened;
    switch (call.method) {
      case "fetch": {
        const onProgress = (progress: Progress) => post({ type: "progress", id, progress });
        return library.fetch(call.manifest, call.paths, { signal: abort.signal, onProgress });
      }
      case "read":
        return library.read(call.manifest, call.path);
      case "list":
        return library.list();
      default:
        return library[call.method](call.name);
    }
  };

  port.addEventListener("message", ({ data }: MessageEvent<ToLibrary>) => {
    if (data.type === "abort") return aborts.get(data.id)?.abort();
    if (data.type !== "call") return;
    const { id } = data;
    void perform(id, data.call)
      .then(
        // Bytes move, they are not copied.
        (value) => post({ type: "result", id, value }, value instanceof ArrayBuffer ? [value] : []),
        (cause: unknown) => post({ type: "error", id, error: asVaultError(cause).toWire() }),
      )
      .finally(() => aborts.delete(id));
  });
}

export interface RemoteLibrary extends ModelLibrary {
  /** The other end is gone: refuses every call that waits for an answer. */
  fail(error: VaultError): void;
}

export function libraryAt(port: Port): RemoteLibrary {
  interface Waiting {
    readonly resolve: (value: unknown) => void;
    readonly reject: (error: VaultError) => void;
    readonly onProgress: ((progress: Progress) => void) | undefined;
  }
  const waiting = new Map<number, Waiting>();
  let lastId = 0;

  const post = (message: ToLibrary) => port.postMessage(message, []);
  const call = (call: Call, onProgress?: (progress: Progress) => void, signal?: AbortSignal) => {
    if (signal?.aborted) return Promise.reject(cancelled());
    const id = ++lastId;
    const abort = () => post({ type: "abort", id });
    signal?.addEventListener("abort", abort);
    const answer = new Promise<unknown>((resolve, reject) => waiting.set(id, { resolve, reject, onProgress }));
    post({ type: "call", id, call });
    return answer.finally(() => {
      waiting.delete(id);
      signal?.removeEventListener("abort", abort);
    });
  };

  port.addEventListener("message", ({ data }: MessageEvent<FromLibrary>) => {
    const found = waiting.get(data.id);
    if (data.type === "progress") found?.onProgress?.(data.progress);
    if (data.type === "result") found?.resolve(data.value);
    if (data.type === "error") found?.reject(VaultError.fromWire(data.error));
  });

  // The other end answers each call as its interface says.
  const typed = <M extends Call["method"]>(answer: Promise<unknown>) => answer as ReturnType<ModelLibrary[M]>;
  return {
    describe: (name) => typed<"describe">(call({ method: "describe", name })),
    fetch: (manifest, paths, { onProgress, signal }) =>
      typed<"fetch">(call({ method: "fetch", manifest, paths }, onProgress, signal)),
    read: (manifest, path) => typed<"read">(call({ method: "read", manifest, path })),
    list: () => typed<"list">(call({ method: "list" })),
    pause: (name) => typed<"pause">(call({ method: "pause", name })),
    remove: (name) => typed<"remove">(call({ method: "remove", name })),
    fail: (error) => {
      for (const { reject } of waiting.values()) reject(error);
    },
  };
}
