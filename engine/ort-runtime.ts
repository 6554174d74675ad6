/**
 * Stands in for `onnxruntime-web/webgpu`, the build that Transformers.js imports for every device (see
 * `vite.config.ts`): loads the build that this browser runs best, with its WASM from our own origin. The library
 * sets a public CDN only where `wasmPaths` is still empty.
 */
import type * as Ort from "onnxruntime-web";
import asyncifyUrl from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url";
import jspiUrl from "onnxruntime-web/ort-wasm-simd-threaded.jspi.wasm?url";
import wasmUrl from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import { unpacked } from "../core/unpacked.ts";
import { chosenBuild } from "./ort-build.ts";

const BUILDS = {
  wasm: { load: () => import("onnxruntime-web/wasm"), url: wasmUrl },
  jspi: { load: () => import("onnxruntime-web/jspi"), url: jspiUrl },
  asyncify: { load: () => import("onnxruntime-web/webgpu"), url: asyncifyUrl },
};

const build = BUILDS[chosenBuild()];
const ort: typeof Ort = await build.load();
// The build packs it: docs/decisions/0039.
ort.env.wasm.wasmPaths = { wasm: new URL(`${build.url}.gz`, self.location.href).href };

/**
 * The runtime compiles what it fetches, and has no option for what is packed. What the service worker has kept, or the
 * host had the browser unpack, is WASM: that is compiled as it comes, since only then does Chromium keep the code
 * (https://v8.dev/blog/wasm-code-caching).
 */
const { instantiateStreaming } = WebAssembly;
WebAssembly.instantiateStreaming = async (source, imports) => {
  const response = await source;
  const runtime = await instantiate(response, imports);
  if (chosenBuild() !== "wasm") keep(response.url).catch(() => {}); // the next visit keeps it
  return runtime;
};

async function instantiate(response: Response, imports?: WebAssembly.Imports) {
  try {
    if (response.headers.get("content-type") === "application/wasm")
      return await instantiateStreaming(response, imports);
  } catch (cause) {
    if (!(cause instanceof WebAssembly.CompileError)) throw cause;
  }
  const { bodyUsed, url } = response; // used, if a host says of what is packed that it is WASM
  return instantiateStreaming(await unpacked(bodyUsed ? await fetch(url) : response), imports);
}

/**
 * The plain build is precached, the others are kept by the service worker when it sees them fetched. On a first visit it may
 * be in control too late for that (it is after five seconds on a busy machine), and offline there would be no GPU.
 */
async function keep(url: string): Promise<void> {
  if (!("caches" in self) || (await caches.match(url))) return;
  await (await caches.open("minivault-runtime")).put(url, await unpacked(await fetch(url)));
}

export const { InferenceSession, Tensor, env, registerBackend } = ort;
export default ort;
