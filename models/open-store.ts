import { reasonOf } from "../core/errors.ts";
import { openCacheStore } from "./cache-store.ts";
import type { FileStore } from "./file-store.ts";
import { createMemoryStore } from "./memory-store.ts";
import { openOpfsStore } from "./opfs-store.ts";

export interface OpenedStore {
  readonly store: FileStore;
  /** Why files are not kept beyond this visit, as a sentence for people; `null`: they are. */
  readonly reason: string | null;
}

/**
 * The best that works here: each one is tried out. To be called in a dedicated worker, since pages cannot write to the
 * private file system in all browsers: what a page opened would be another store than the worker's.
 */
export async function openStore(): Promise<OpenedStore> {
  const refusals: string[] = [];
  for (const open of [openOpfsStore, openCacheStore]) {
    try {
      return { store: await open(), reason: null };
    } catch (cause) {
      refusals.push(reasonOf(cause));
    }
  }
  return {
    store: createMemoryStore(),
    reason:
      `This browser keeps no files for this page (${refusals.join("; ")}), so models are fetched again at each visit. ` +
      "Open the page over https, outside of a private window, and allow it to store data.",
  };
}
