import type { SelfCheck } from "../core/protocol.ts";
import type { LanguageModel } from "./model.ts";
import { argmax } from "./sampling/candidates.ts";

const PROBE = "The quick brown fox jumps";
/** More find no more (docs/PERFORMANCE.md), and each is a pass that the first answer waits for. */
const PROBE_TOKENS = 4;
/** Largest difference of a logit between the two ways, as a share of the logits' range. */
const TOLERANCE = 0.02;
/**
 * Integer kernels scale a whole matrix at once, so that a row's result depends on its neighbours: measured were up to
 * 0.017, and 0.28 where the cache is lost (docs/PERFORMANCE.md). Outliers in trained weights may need more than these.
 */
const QUANTISED_TOLERANCE = 0.15;

type Checkable = Pick<LanguageModel, "encode" | "createCache" | "forward"> & {
  readonly card: Pick<LanguageModel["card"], "precision">;
};

/**
 * Whether a device computes this model rightly, without a reference answer: the same tokens prefilled in one pass
 * and one by one must give the same next token, rows of different positions must differ, and all must be numbers.
 * GPU drivers are known to fail each of these (onnxruntime#26367, #31626; transformers.js#1286, #1317).
 * Throws a sentence that says what is wrong.
 */
export async function selfCheck(model: Checkable): Promise<SelfCheck> {
  const startMs = performance.now();
  const ids = (await model.encode(PROBE, true)).slice(0, PROBE_TOKENS);
  const together = model.createCache();
  const onePass = await model.forward(ids, together);
  together.dispose();

  const oneByOne = model.createCache();
  const rows: Float32Array[] = [];
  for (const id of ids) rows.push((await model.forward([id], oneByOne)).slice());
  oneByOne.dispose();

  const last = rows.at(-1);
  if (!last || !onePass.every(Number.isFinite) || !last.every(Number.isFinite))
    throw new Error("it computes no numbers");
  if (rows.slice(1).every((row, index) => distance(row, rows[index]!) === 0)) {
    throw new Error("it computes the same for every position");
  }
  const range = last[argmax(last)]! - last.reduce((low, logit) => Math.min(low, logit));
  const deviation = distance(onePass, last) / range;
  const tolerance = model.card.precision.startsWith("F") ? TOLERANCE : QUANTISED_TOLERANCE;
  if (!(deviation <= tolerance)) throw new Error("its KV cache changes the results");
  return { durationMs: performance.now() - startMs, deviation };
}

function distance(a: Float32Array, b: Float32Array): number {
  let largest = 0;
  for (let index = 0; index < a.length; index++) largest = Math.max(largest, Math.abs(a[index]! - b[index]!));
  return largest;
}
