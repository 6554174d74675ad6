import { createSHA1, createSHA256 } from "hash-wasm";
import type { FileHash, ModelFile } from "./model-entry.ts";

/** Of a file that comes in chunks. */
export interface Hasher {
  update(chunk: Uint8Array): void;
  /** Whether the chunks were the file: its size, and its hash where there is one. To be asked once, at the end. */
  matches(): boolean;
}

/** WebAssembly, since `crypto.subtle` takes a file as a whole only. */
export async function createHasher({ sizeBytes, hash }: Pick<ModelFile, "sizeBytes" | "hash">): Promise<Hasher> {
  const digest = hash && (await (hash.type === "sha256" ? createSHA256() : createSHA1()));
  // https://git-scm.com/book/en/v2/Git-Internals-Git-Objects#_object_storage
  if (hash?.type === "git-sha1") digest?.update(`blob ${sizeBytes}\0`);
  let seenBytes = 0;
  return {
    update(chunk) {
      seenBytes += chunk.byteLength;
      digest?.update(chunk);
    },
    matches: () => seenBytes === sizeBytes && (!hash || digest?.digest("hex") === hash.hex.toLowerCase()),
  };
}

/** Of bytes that are in memory anyway: the browser's own SHA-256 is several times as fast. */
export async function hashMatches(hash: FileHash, bytes: ArrayBuffer): Promise<boolean> {
  // Insecure contexts have no `subtle`.
  if (hash.type === "sha256" && crypto.subtle) {
    return hexOf(await crypto.subtle.digest("SHA-256", bytes)) === hash.hex.toLowerCase();
  }
  const hasher = await createHasher({ sizeBytes: bytes.byteLength, hash });
  hasher.update(new Uint8Array(bytes));
  return hasher.matches();
}

const hexOf = (bytes: ArrayBuffer): string =>
  Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Of bytes whose hash nobody knows yet. */
export async function createSha256(): Promise<{ update(chunk: Uint8Array): void; hex(): string }> {
  const digest = await createSHA256();
  return { update: (chunk) => void digest.update(chunk), hex: () => digest.digest("hex") };
}
