import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findPython } from "../tests/find-python.ts";
import { startHub } from "../tests/fixtures/hub.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** Of distilgpt2's shape, with random weights: the runtime has as much to do as with the real ones. */
const RANDOM = join(ROOT, ".cache/distilgpt2-random");
/** The catalogue knows the hashes of the real files, which these do not have: the hub's tree tells. */
const STAND_INS = JSON.stringify([{ name: "distilgpt2", repo: "Xenova/distilgpt2", revision: "main" }]);

/** A hub that has it as distilgpt2, and how a site is told of that. */
export async function startRandomHub() {
  const hub = await startHub(0, randomFiles());
  return { hub, env: { MINIVAULT_HUB: hub.url, MINIVAULT_MODELS: STAND_INS } };
}

/** Makes the random model, which takes half a minute, once. */
function randomFiles(): Map<string, Buffer> {
  const weights = join(RANDOM, "onnx/model_quantized.onnx"); // written last
  if (!existsSync(weights)) {
    mkdirSync(RANDOM, { recursive: true });
    const script = join(ROOT, "tools/demo-model/export.py");
    const { status } = spawnSync(findPython(), [script, RANDOM, "--random", "distilgpt2"], { stdio: "inherit" });
    if (status !== 0) throw new Error(`${script} failed.`);
  }
  const names = {
    "config.json": "config.json",
    "generation_config.json": "generation_config.json",
    "tokenizer.json": "tokenizer.json",
    "tokenizer_config.json": "tokenizer_config.json",
    "onnx/decoder_model_merged.onnx": "onnx/model.onnx",
    "onnx/decoder_model_merged_quantized.onnx": "onnx/model_quantized.onnx",
  };
  return new Map(Object.entries(names).map(([name, path]) => [name, readFileSync(join(RANDOM, path))]));
}
