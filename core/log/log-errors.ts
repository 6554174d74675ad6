import { reasonOf, VaultError } from "../errors.ts";

/** What every sink refuses in the same words. */
export const RECORD_OPEN = new VaultError(
  "log-busy",
  "This exchange is going on. Stop it, or delete its record after its end.",
);
export const STREAM_BUSY = new VaultError(
  "stream-busy",
  "Another tab or request is reading this stream. Close that one and try again.",
);
export const STREAM_GONE = new VaultError(
  "stream-not-found",
  "The stream is not kept any longer. Send the request again.",
);

/** For what a sink rejects with. */
export const asFailure = (cause: unknown): never => {
  if (cause instanceof VaultError) throw cause;
  const detail = `The log cannot be read or changed: ${reasonOf(cause)}. Allow this site to store data and try again.`;
  throw new VaultError("log-failed", detail, { cause });
};
