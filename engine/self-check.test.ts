import { expect, test } from "vitest";
import { createFakeModel } from "../tests/fixtures/fake-model.ts";
import { embeddedModel } from "../tests/fixtures/node-model.ts";
import type { KvCache, LanguageModel } from "./model.ts";
import { selfCheck } from "./self-check.ts";

const broken = (forward: (ids: readonly number[], cache: KvCache) => number[]): LanguageModel => ({
  ...createFakeModel(),
  forward: async (ids, cache) => Float32Array.from(forward(ids, cache)),
});

test("`selfCheck()` passes a model that computes rightly", async () => {
  await selfCheck(await embeddedModel.load());
});

test("`selfCheck()` tells devices apart that do not", async () => {
  await expect(selfCheck(broken(() => [1, Number.NaN]))).rejects.toThrow("no numbers");
  await expect(selfCheck(broken(() => [1, 2]))).rejects.toThrow("the same for every position");
  // Forgets its cache: the result depends on how many tokens come at once.
  await expect(selfCheck(broken((ids) => [ids.length, 0, ids.at(-1) ?? 0]))).rejects.toThrow("KV cache");
});
