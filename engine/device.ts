import type { VaultConfig } from "../core/config.ts";

/** Where and how a model runs in this browser. */
export interface ComputeTarget {
  readonly device: "webgpu" | "wasm";
  /** The adapter computes in half precision. */
  readonly shaderF16: boolean;
  readonly threads: number;
  readonly runtime: OrtBuild;
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
    requestAdapter(options: { powerPreference: string }): Promise<{ features: ReadonlySet<string> } | null>;
  };
}

/** WebGPU when there is an adapter, else WASM. */
export async function findTarget(wanted: VaultConfig["device"]): Promise<ComputeTarget> {
  // WebKitGTK is cross-origin isolated and has no shared memory all the same.
  const shared = crossOriginIsolated && "SharedArrayBuffer" in globalThis;
  const threads = shared ? Math.min(MAX_THREADS, navigator.hardwareConcurrency) : 1;
  const adapter = wanted === "wasm" ? null : await requestAdapter();
  if (!adapter) return { device: "wasm", shaderF16: false, threads, runtime: "wasm" };
  const runtime = "Suspending" in WebAssembly ? "jspi" : "asyncify";
  return { device: "webgpu", shaderF16: adapter.features.has("shader-f16"), threads, runtime };
}

/** The same page without its GPU; the runtime stays, since only one can be loaded. */
export function withoutGpu(target: ComputeTarget): ComputeTarget {
  return { ...target, device: "wasm", shaderF16: false };
}

async function requestAdapter() {
  try {
    return await (navigator as GpuNavigator).gpu?.requestAdapter({ powerPreference: "high-performance" });
  } catch {
    return null; // a blocked or broken driver throws: the same as none
  }
}
