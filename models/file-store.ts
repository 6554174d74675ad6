import type { ModelFile, ModelManifest } from "./model-entry.ts";

/**
 * Files of models, kept in this browser. A file is whole or a part, and a part is never read as a file.
 * Nothing here checks hashes: that is for who writes, and for who reads.
 */
export interface FileStore {
  readonly kind: "opfs" | "cache" | "memory" | "folder";
  /** A whole file, as a handle: its bytes are read when they are asked for. `null` if there is none. */
  read(model: string, path: string): Promise<Blob | null>;
  /** Goes on with the part that is there, else begins one. Callers see to it that a file has one writer at a time. */
  openPart(model: string, path: string): Promise<PartFile>;
  list(): Promise<readonly StoredFile[]>;
  /** What is known of a model that is (partly) here. */
  saveManifest(manifest: ModelManifest): Promise<void>;
  manifests(): Promise<readonly ModelManifest[]>;
  /** A file and its part; without `path` the whole model with its manifest. Nothing there is fine. */
  remove(model: string, path?: string): Promise<void>;
}

export interface StoredFile {
  readonly model: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly isWhole: boolean;
}

/** A file that is being written. Survives a crash up to what was appended and flushed. */
export interface PartFile {
  readonly sizeBytes: number;
  /** Of the version that the part is of; `null` if its origin named none. */
  readonly etag: string | null;
  /** What is there so far. */
  read(): Promise<Blob>;
  /** Empties it, for a version with this tag. */
  restart(etag: string | null): Promise<void>;
  /** Rejects with a `QuotaExceededError` if there is no room. */
  append(chunk: Uint8Array<ArrayBuffer>): Promise<void>;
  /** From now on, and not a moment earlier, it is the file. Closes it. */
  publish(file: ModelFile): Promise<void>;
  /** Keeps it for another time. */
  close(): Promise<void>;
}
