import type { VaultConfig } from "../core/config.ts";
import { reasonOf } from "../core/errors.ts";
import { chooseFiles, findModel, type ModelEntry, type OnnxFiles } from "../models/catalogue.ts";
import { type ComputeTarget, findTarget, withoutGpu } from "./device.ts";
import type { ModelSource, Report } from "./local-engine.ts";
import type { LanguageModel } from "./model.ts";
import { createModelFiles } from "./model-files.ts";
import { chooseBuild } from "./ort-build.ts";
import { selfCheck } from "./self-check.ts";

/** How models are loaded in a browser: from the hub or our own origin, on WebGPU if it computes rightly, else WASM. */
export function browserModels(config: VaultConfig, baseUrl: string): (nameOrId: string) => ModelSource {
  let target: ComputeTarget | undefined;

  const load = async (entry: ModelEntry, report: Report): Promise<LanguageModel> => {
    const modelFiles = createModelFiles(report);
    const { fetch } = modelFiles;
    const files = entry.files ?? (await askHub(entry, config.hub, fetch));
    target ??= await settleTarget(config.device, files);
    chooseBuild(target.runtime);
    const { loadModel } = await import("./load-model.ts");
    const origin = entry.embedded
      ? ({ type: "http", host: new URL("models/", baseUrl).href, pathTemplate: "{model}/", fetch } as const)
      : ({ type: "http", host: `${config.hub}/`, pathTemplate: "{model}/resolve/{revision}/", fetch } as const);
    const loadOn = ({ device, threads, shaderF16 }: ComputeTarget) =>
      loadModel(entry, {
        origin,
        device,
        threads,
        files: filesFor(device, shaderF16, files),
        fetchedBytes: () => modelFiles.fetchedBytes,
      });

    if (target.device === "wasm") {
      const model = await loadOn(target);
      return config.device === "webgpu" ? instead(model, "This browser offers no WebGPU adapter") : model;
    }
    try {
      return await checked(await loadOn(target));
    } catch (cause) {
      return instead(await loadOn(withoutGpu(target)), `WebGPU failed (${reasonOf(cause)})`);
    }
  };

  return (nameOrId) => {
    const entry = findModel(nameOrId);
    return { name: entry.name, load: (report) => load(entry, report) };
  };
}

/** A worker can load only one runtime, so the first model decides. */
async function settleTarget(wanted: VaultConfig["device"], files: OnnxFiles): Promise<ComputeTarget> {
  const found = await findTarget(wanted);
  // Without half precision the GPU would need the full download, four times that of the CPU's 8-bit weights.
  const tooLarge = found.device === "webgpu" && needsF16(files) && !found.shaderF16;
  return tooLarge && wanted === "auto" ? { ...withoutGpu(found), runtime: "wasm" } : found;
}

async function checked(model: LanguageModel): Promise<LanguageModel> {
  try {
    await selfCheck(model);
    return model;
  } catch (cause) {
    await model.dispose();
    throw cause;
  }
}

const needsF16 = (files: OnnxFiles): boolean => files.webgpu.endsWith("_fp16.onnx");

const instead = (model: LanguageModel, reason: string): LanguageModel => ({
  ...model,
  fallback: { wanted: "webgpu", reason: `${reason}, so the CPU computes` },
});

/** Best first. */
function filesFor(device: ComputeTarget["device"], shaderF16: boolean, files: OnnxFiles): string[] {
  if (device === "wasm") return [...new Set([files.wasm, files.fp32])];
  return [...new Set(needsF16(files) && !shaderF16 ? [files.fp32] : [files.webgpu, files.fp32])];
}

/** The files of a repository that the catalogue does not know, from the hub's tree: no trial and error. */
async function askHub(
  { repo }: ModelEntry,
  hub: string,
  fetch: (url: string) => Promise<Response>,
): Promise<OnnxFiles> {
  const response = await fetch(`${hub}/api/models/${repo}/tree/main/onnx`);
  if (!response.ok) throw new Error(`${hub} has no ONNX files for ${repo} (status ${response.status})`);
  const tree = (await response.json()) as Array<{ path: string }>;
  return chooseFiles(tree.map(({ path }) => path.replace(/^onnx\//, "")));
}
