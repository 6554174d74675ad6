import { basename, dirname } from "node:path";
import { loadModel } from "../../engine/load-model.ts";
import type { LanguageModel } from "../../engine/model.ts";
import { EMBEDDED } from "../../models/catalogue.ts";

/** A model that was just made, in the hub's layout, on the CPU of the machine that runs the tests. */
export function modelInFolder(folder: string, file = "model.onnx"): Promise<LanguageModel> {
  const name = basename(folder);
  return loadModel(
    { ...EMBEDDED, name, repo: name },
    { origin: { type: "folder", path: `${dirname(folder)}/` }, device: "cpu", threads: 1, files: [file] },
  );
}
