/** Entry of a dedicated worker that a page starts to store a model from its disk, and that ends with it. */
import { reasonOf, VaultError } from "../core/errors.ts";
import type { ImportToPage, PageToImport, PickedFile } from "../core/protocol.ts";
import { requestLock } from "../core/web-lock.ts";
import { importModel } from "./import-model.ts";
import { openStore } from "./open-store.ts";
import { freeBytes, isQuotaExceeded } from "./quota.ts";

declare const self: DedicatedWorkerGlobalScope;

const cancelled = new AbortController();
const tell = (message: ImportToPage) => self.postMessage(message);

/** Progress is for people: more often is a waste. */
const PROGRESS_MS = 100;

self.addEventListener("message", ({ data }: MessageEvent<PageToImport>) => {
  switch (data.type) {
    case "import":
      void bring(data.files, data.taken).catch((cause: unknown) => tell(outcomeOf(cause)));
      break;
    case "cancel":
      cancelled.abort();
      break;
    default:
      data satisfies never;
  }
});

async function bring(files: readonly PickedFile[], taken: readonly string[]): Promise<void> {
  const { store, reason } = await openStore();
  if (reason !== null) return tell({ type: "refused", problems: [reason] });
  await ourTurn();
  let toldMs = 0;
  const done = await importModel(files, {
    store,
    taken,
    freeBytes: await freeBytes(),
    signal: cancelled.signal,
    onProgress(progress) {
      const nowMs = performance.now();
      if (nowMs - toldMs < PROGRESS_MS && progress.loadedBytes < progress.totalBytes) return;
      toldMs = nowMs;
      tell(progress);
    },
  });
  tell("problems" in done ? { type: "refused", problems: done.problems } : { type: "stored", name: done.name });
}

/** Two tabs must not choose the same name. The lock is free again when this worker ends. */
const ourTurn = (): Promise<void> =>
  navigator.locks ? new Promise((onHeld) => void requestLock("minivault-import", { onHeld })) : Promise.resolve();

function outcomeOf(cause: unknown): ImportToPage {
  if (cause instanceof VaultError && cause.code === "load-cancelled") return { type: "cancelled" };
  if (cause instanceof VaultError) return { type: "refused", problems: [cause.message] };
  const sentence = isQuotaExceeded(cause)
    ? "There is no room left for it. Delete another model, or free space on the disk."
    : `It could not be stored: ${reasonOf(cause)}. Try again.`;
  return { type: "refused", problems: [sentence] };
}
