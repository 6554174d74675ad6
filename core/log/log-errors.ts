import { VaultError } from "../errors.ts";

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
