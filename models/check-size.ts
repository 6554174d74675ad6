import { VaultError } from "../core/errors.ts";
import type { ModelFile } from "./model-entry.ts";

/** The last guard before a part becomes a file, in every store. Throws `model-broken`. */
export function checkSize(path: string, partBytes: number, { sizeBytes }: ModelFile): void {
  if (partBytes === sizeBytes) return;
  throw new VaultError(
    "model-broken",
    `${path} has ${partBytes} bytes here and ${sizeBytes} where it comes from: it is not kept. Fetch the model again.`,
  );
}
