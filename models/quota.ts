import { VaultError } from "../core/errors.ts";

/**
 * What this site may still store; `null` where the browser does not say. No more than a hint: Chromium 156 says the same
 * when its quota is set to a thousandth of that.
 */
export async function freeBytes(): Promise<number | null> {
  try {
    const { quota, usage } = await navigator.storage.estimate();
    return quota === undefined || usage === undefined ? null : Math.max(0, quota - usage);
  } catch {
    return null; // insecure contexts have no `storage`, and some frames are refused it
  }
}

/** Rejects with `storage-full` if that much, beside what is stored already, will not fit. */
export async function checkRoom(model: string, neededBytes: number): Promise<void> {
  const free = await freeBytes();
  if (free !== null && free < neededBytes) throw storageFull(model, neededBytes, free);
}

/** For who was refused by the browser: a `QuotaExceededError` comes whatever was estimated before. */
export const isQuotaExceeded = (cause: unknown): boolean =>
  cause instanceof Error && cause.name === "QuotaExceededError";

export function storageFull(model: string, neededBytes: number, free: number | null): VaultError {
  const room =
    free === null ? "the browser has no room for it" : `the browser has room for ${megabytes(free, Math.floor)}`;
  return new VaultError(
    "storage-full",
    `${model} needs ${megabytes(neededBytes, Math.ceil)} more, and ${room}. ` +
      "Delete models that are not needed, or free disk space, then try again: what is here already is kept.",
  );
}

const megabytes = (bytes: number, round: (value: number) => number): string => `${round(bytes / 1e6)} MB`;
