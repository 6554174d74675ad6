import { basename, dirname } from "node:path";
import type { LanguageModel } from "../../engine/model.ts";
import { EMBEDDED } from "../../models/catalogue.ts";
import { nodeModel } from "../fixtures/node-model.ts";

/** A model that was just made, in the hub's layout, on the CPU of the machine that runs the tests. */
export function modelInFolder(folder: string, file = "model.onnx"): Promise<LanguageModel> {
  const name = basename(folder);
  return nodeModel({ ...EMBEDDED, name, repo: name }, dirname(folder), `onnx/${file}`).load();
}
