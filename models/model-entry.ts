import type { Sampling } from "../core/protocol.ts";

/** Precisions of weights, by the names of Transformers.js. https://huggingface.co/docs/transformers.js/guides/dtypes */
export type Dtype = "fp32" | "fp16" | "q8" | "int8" | "uint8" | "q4" | "q4f16" | "bnb4";

/** Best first. `fp16` and `q4f16` need a GPU with `shader-f16`. */
export interface DtypeTable {
  readonly webgpu: readonly Dtype[];
  readonly wasm: readonly Dtype[];
}

/** A model as its owner publishes it, or as somebody brought it. */
export interface ModelEntry {
  /** What requests and responses call it. */
  readonly name: string;
  /**
   * Where its files are: with the app, in `models/` of this site, on the hub, or in this browser only.
   * A model that the site has is never asked of the hub.
   */
  readonly source: "embedded" | "site" | "hub" | "import";
  /** Hub id (`owner/name`), or folder of `models/`. */
  readonly repo: string;
  /** Of the hub: a branch, a tag or a commit. */
  readonly revision: string;
  /** `null`: the hub's tree tells. */
  readonly files: readonly ModelFile[] | null;
  readonly dtypes: DtypeTable;
  readonly defaults: Sampling;
  /** As its owner counts them: `82M`; empty where nobody said. */
  readonly parameters: string;
  /** SPDX, or a name; empty where nobody said. */
  readonly licence: string;
  /** `null`: known once its `config.json` is here. */
  readonly contextTokens: number | null;
  /** Texts that end a turn of a chat; `null`: what the chat template needs. */
  readonly chatStop: readonly string[] | null;
  /** Of the download for the CPU and for the GPU, where the catalogue knows them and the hub has not been asked. */
  readonly aboutBytes: { readonly wasm: number; readonly webgpu: number } | null;
}

/** A file as its owner publishes it. */
export interface ModelFile {
  /** Within the repository: `onnx/model.onnx`. */
  readonly path: string;
  readonly sizeBytes: number;
  /** `null`: nobody said, so the size is all that can be checked. */
  readonly hash: FileHash | null;
}

/** `git-sha1`: what Git calls a blob, the hash that the hub has of small files. Hexadecimal. */
export interface FileHash {
  readonly type: "sha256" | "git-sha1";
  readonly hex: string;
}

/** A model whose files are known: what is asked for by name, becomes. */
export interface ModelManifest extends ModelEntry {
  readonly files: readonly ModelFile[];
  /** Of a stored one: paths of the files that were asked for so far. Without it all of them are meant. */
  readonly wanted?: readonly string[];
}
