import type { Gpu } from "./device.ts";

/** What a model takes, as far as one knows before it is loaded. */
export interface Footprint {
  readonly name: string;
  /** Of the files of weights. */
  readonly weightsBytes: number;
  /** Of the largest matrix: the embeddings; 0 if nobody said. */
  readonly largestTensorBytes: number;
}

const GIB = 2 ** 30;
/** WASM addresses 4 GiB, some of which the runtime takes for itself. */
const WASM_BYTES = 3.5 * GIB;
/** While a session is made, the file is in memory beside what the runtime makes of it. */
const COPIES = 2;
/** The rest is the system's, and other pages'. */
const SHARE_OF_MEMORY = 0.5;
/** Browsers name no more than this, so it may be any amount. https://www.w3.org/TR/device-memory/ */
const MOST_NAMED_GIB = 8;

/** Why a model cannot run on this device; `null`: nothing speaks against it. `gpu`: `null` is the CPU. */
export function whyTooLarge(model: Footprint, gpu: Gpu | null, memoryGiB: number | undefined): string | null {
  const { name, weightsBytes, largestTensorBytes } = model;
  const needed = weightsBytes * COPIES;
  if (memoryGiB !== undefined && memoryGiB < MOST_NAMED_GIB && needed > memoryGiB * GIB * SHARE_OF_MEMORY) {
    return `${name} takes ${gib(needed)} GiB of memory while it loads, and this device has ${memoryGiB} GiB in all`;
  }
  if (gpu && largestTensorBytes > gpu.maxTensorBytes) {
    return `the GPU holds ${gib(gpu.maxTensorBytes)} GiB in one piece, and ${name} has one of ${gib(largestTensorBytes)} GiB`;
  }
  if (!gpu && needed > WASM_BYTES) {
    return `${name} takes ${gib(needed)} GiB of memory while it loads, and a page can use ${gib(WASM_BYTES)} GiB on the CPU`;
  }
  return null;
}

const gib = (bytes: number): string => (bytes / GIB).toFixed(1);
