import { expect, test } from "vitest";
import { createMutex } from "./mutex.ts";
import { createOnnxModel, type OnnxModelParts, type OrtSession } from "./onnx-model.ts";

const tensor = (data: unknown, dims: readonly number[]) => ({ data, dims });

/** Takes a turn of the event loop for each run, as a GPU does, and fails those of token 13. */
function fakeSession() {
  const seen = { running: 0, most: 0, runs: 0, released: false };
  const session: OrtSession = {
    inputNames: ["input_ids", "past_key_values.0.key"],
    inputMetadata: [{ name: "past_key_values.0.key", isTensor: true, shape: ["batch", 0] }],
    async run(feeds) {
      seen.running++;
      seen.most = Math.max(seen.most, seen.running);
      await new Promise((resolve) => setImmediate(resolve));
      seen.running--;
      seen.runs++;
      const [first] = (feeds["input_ids"]?.data ?? []) as BigInt64Array;
      if (first === 13n) throw new Error("the device is gone");
      return { logits: tensor(new Float32Array(4), [1, 1, 4]), "present.0.key": tensor(null, [1, 1]) };
    },
    async release() {
      expect(seen.running).toBe(0);
      seen.released = true;
    },
  };
  return { session, seen };
}

const modelOn = (session: OrtSession, alone = createMutex()) =>
  createOnnxModel({
    card: { name: "fake" },
    session,
    makeTensor: (_type, data, dims) => tensor(data, dims),
    alone,
  } as OnnxModelParts);

test("forward passes never overlap, neither those of two generations nor those of two models", async () => {
  const { session, seen } = fakeSession();
  const alone = createMutex();
  const models = [modelOn(session, alone), modelOn(session, alone)];
  const generate = async (_: unknown, index: number) => {
    const model = models[index % 2]!;
    const cache = model.createCache();
    for (let step = 0; step < 5; step++) await model.forward([step], cache);
    return cache.length;
  };
  expect(await Promise.all([0, 1, 2].map(generate))).toEqual([5, 5, 5]);
  expect(seen).toMatchObject({ most: 1, runs: 15 });
});

test("a pass that fails holds up no other one, and the session is released after the last", async () => {
  const { session, seen } = fakeSession();
  const model = modelOn(session);
  const failed = model.forward([13], model.createCache());
  const next = model.forward([1], model.createCache());
  const disposed = model.dispose();
  await expect(failed).rejects.toThrow("the device is gone");
  await expect(next).resolves.toHaveLength(4);
  await disposed;
  expect(seen.released).toBe(true);
});
