import type { OrtBuild } from "./device.ts";

let build: OrtBuild = "wasm";

/** Takes effect if called before the first import of the model loader: a worker loads one runtime only. */
export function chooseBuild(wanted: OrtBuild): void {
  build = wanted;
}

export const chosenBuild = (): OrtBuild => build;
