/**
 * Stands in for `onnxruntime-web/webgpu`, the build that Transformers.js imports for every device (see
 * `vite.config.ts`): loads the build that this browser runs best, with its WASM from our own origin. The library
 * sets a public CDN only where `wasmPaths` is still empty.
 */
import type * as Ort from "onnxruntime-web";
import asyncifyUrl from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url";
import jspiUrl from "onnxruntime-web/ort-wasm-simd-threaded.jspi.wasm?url";
import wasmUrl from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import { chosenBuild } from "./ort-build.ts";

const BUILDS = {
  wasm: { load: () => import("onnxruntime-web/wasm"), url: wasmUrl },
  jspi: { load: () => import("onnxruntime-web/jspi"), url: jspiUrl },
  asyncify: { load: () => import("onnxruntime-web/webgpu"), url: asyncifyUrl },
};

const build = BUILDS[chosenBuild()];
const ort: typeof Ort = await build.load();
ort.env.wasm.wasmPaths = { wasm: new URL(build.url, self.location.href).href };

export const { InferenceSession, Tensor, env, registerBackend } = ort;
export default ort;
