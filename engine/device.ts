import type { VaultConfig } from "../core/config.ts";
import type { Avoidable } from "../core/protocol.ts";

/** Where and how models run in this browser. */
export interface ComputeTarget {
  /** `null`: there is none, or it must not be used. */
  readonly gpu: Gpu | null;
  /** Why there is no GPU, if one was asked for or there had been one. */
  readonly noGpu: string | null;
  readonly threads: number;
}

export interface Gpu {
  /** It computes in half precision. */
  readonly shaderF16: boolean;
  /** Of one tensor. */
  readonly maxTensorBytes: number;
}

/**
 * Builds of the ONNX runtime. `wasm` is the smallest and fastest but has no WebGPU; of the other two JSPI is
 * smaller and faster, where the browser has it.
 */
export type OrtBuild = "wasm" | "jspi" | "asyncify";

/** More threads than this gain nothing on models of this size. */
const MAX_THREADS = 4;

/** The part of WebGPU that TypeScript's worker library does not know yet. */
interface GpuNavigator {
  readonly gpu?: {
    requestAdapter(options: { powerPreference: string }): Promise<{
      readonly features: ReadonlySet<string>;
      readonly limits: { readonly maxBufferSize: number; readonly maxStorageBufferBindingSize: number };
    } | null>;
  };
}

/** WebGPU when there is an adapter, else WASM: with threads where memory can be shared. */
export async function findTarget(wanted: VaultConfig["device"], avoid: readonly Avoidable[]): Promise<ComputeTarget> {
  // WebKitGTK is cross-origin isolated and has no shared memory all the same.
  const shared = crossOriginIsolated && "SharedArrayBuffer" in globalThis && !avoid.includes("threads");
  const threads = shared ? Math.min(MAX_THREADS, navigator.hardwareConcurrency) : 1;
  if (wanted === "wasm") return { gpu: null, noGpu: null, threads };
  if (avoid.includes("webgpu"))
    return { gpu: null, noGpu: "WebGPU was lost or did not answer more than once", threads };
  const adapter = await requestAdapter();
  if (!adapter) return { gpu: null, noGpu: wanted === "webgpu" ? NO_ADAPTER : null, threads };
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const maxTensorBytes = Math.min(maxBufferSize, maxStorageBufferBindingSize);
  return { gpu: { shaderF16: adapter.features.has("shader-f16"), maxTensorBytes }, noGpu: null, threads };
}

export const gpuBuild = (): OrtBuild => ("Suspending" in WebAssembly ? "jspi" : "asyncify");

const NO_ADAPTER = "This browser offers no WebGPU adapter";

async function requestAdapter() {
  try {
    return await (navigator as GpuNavigator).gpu?.requestAdapter({ powerPreference: "high-performance" });
  } catch {
    return null; // a blocked or broken driver throws: the same as none
  }
}
