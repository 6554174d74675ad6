import type { ListedModel, Progress } from "../core/protocol.ts";
import type { ModelManifest } from "./model-entry.ts";

/** All models that can be had, and the files of those that are here. One per engine worker; downloads run in its own. */
export interface ModelLibrary {
  /**
   * By name or hub id. The hub is asked for what neither the catalogue nor the store knows.
   * Rejects with `model-not-found`, or `model-unavailable` if the hub cannot be reached.
   */
  describe(nameOrId: string): Promise<ModelManifest>;
  /**
   * Settles when all `paths` are here, whole and verified; fetches what is missing. Callers of one model share one
   * download, tabs too. When the last caller's `signal` aborts, the download pauses: its parts are kept.
   * Rejects with `model-unavailable`, `model-broken`, `storage-full` or `load-cancelled`.
   */
  fetch(manifest: ModelManifest, paths: readonly string[], options: FetchOptions): Promise<void>;
  /** A file that is here: its bytes, verified; damaged ones are fetched again, once. `null` if the model has none such. */
  read(manifest: ModelManifest, path: string): Promise<ArrayBuffer | null>;
  list(): Promise<readonly ListedModel[]>;
  /** Stops the download for all callers, who are refused with `load-cancelled`. */
  pause(name: string): Promise<void>;
  /** Files, parts and manifest. A download is stopped first. */
  remove(name: string): Promise<void>;
}

export interface FetchOptions {
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}
