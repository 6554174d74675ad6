import type { VaultConfig } from "../core/config.ts";
import { VaultError } from "../core/errors.ts";
import { libraryAt, type RemoteLibrary } from "./library-port.ts";
import type { ModelLibrary } from "./model-library.ts";

/** What the library's worker is told first. */
export interface StartLibrary {
  readonly type: "start";
  readonly config: VaultConfig;
  /** Of the app. */
  readonly baseUrl: string;
  /** Which of the sizes in the catalogue is listed for what has not been asked for. */
  readonly device: "wasm" | "webgpu";
}

/** What it tells unasked. */
export type LibraryNews =
  | { readonly type: "changed" }
  /** Files are not kept beyond this visit: a sentence for people. */
  | { readonly type: "not-kept"; readonly reason: string };

export interface ModelLibraryOptions extends Omit<StartLibrary, "type"> {
  /** What `list()` tells has changed; ten times a second at most for each download. */
  readonly onChange?: () => void;
  readonly onNotKept?: (reason: string) => void;
}

/** The library, in a worker of its own that starts with the first question. */
export function createModelLibrary({ onChange, onNotKept, ...start }: ModelLibraryOptions): ModelLibrary {
  let library: RemoteLibrary | undefined;

  const begin = (): RemoteLibrary => {
    const worker = new Worker(new URL("./library-worker.ts", import.meta.url), { type: "module" });
    const begun = libraryAt(worker);
    worker.addEventListener("message", ({ data }: MessageEvent<LibraryNews>) => {
      if (data.type === "changed") onChange?.();
      if (data.type === "not-kept") onNotKept?.(data.reason);
    });
    // It could not be fetched, or it threw: the next question begins another.
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      worker.terminate();
      if (library === begun) library = undefined;
      begun.fail(failed(event.message));
    });
    worker.postMessage({ type: "start", ...start } satisfies StartLibrary);
    return begun;
  };

  const there = (): RemoteLibrary => {
    library ??= begin();
    return library;
  };
  return {
    describe: (nameOrId) => there().describe(nameOrId),
    fetch: (manifest, paths, options) => there().fetch(manifest, paths, options),
    read: (manifest, path) => there().read(manifest, path),
    list: () => there().list(),
    pause: (name) => there().pause(name),
    remove: (name) => there().remove(name),
  };
}

const failed = (message: string | undefined): VaultError =>
  new VaultError(
    "engine-failed",
    `The worker that keeps the models failed (${message || "its script could not be fetched"}). Reload the page.`,
  );
