import { expect, test } from "vitest";
import type { GenerateRequest } from "../../core/protocol.ts";
import { generate, tokenise } from "../../engine/generate.ts";
import type { LanguageModel } from "../../engine/model.ts";
import { GREEDY_CASES, MERGED_CASE } from "../fixtures/expected-greedy.ts";
import { embeddedModel, mergedModel } from "../fixtures/node-model.ts";

const request = (prompt: string, maxNewTokens: number): GenerateRequest => ({
  model: null,
  prompt,
  maxNewTokens,
  sampling: { temperature: 0, repetitionPenalty: 1 },
  stop: [],
  seed: null,
});

async function run(model: LanguageModel, prompt: string, maxNewTokens: number) {
  const ids: number[] = [];
  let text = "";
  let finishReason = "";
  for await (const event of generate(model, request(prompt, maxNewTokens))) {
    if (event.type === "token") ids.push(event.tokenId);
    if (event.type === "token" || event.type === "done") text += event.text;
    if (event.type === "done") finishReason = event.finishReason;
  }
  return { ids, text, finishReason };
}

const embedded = await embeddedModel.load(() => {});

test.each(GREEDY_CASES)("the embedded model gives PyTorch's tokens for $prompt", async (expected) => {
  expect(tokenise(embedded, request(expected.prompt, 64))).toEqual(expected.prompt_ids);
  const { ids, text, finishReason } = await run(embedded, expected.prompt, 64);
  expect(ids).toEqual(expected.ids);
  expect(text).toBe(expected.text);
  expect(finishReason).toBe(expected.finish_reason);
});

test("a merged decoder (`use_cache_branch`) gives its reference tokens", async () => {
  const merged = await mergedModel.load(() => {});
  const { ids, text } = await run(merged, MERGED_CASE.prompt, MERGED_CASE.ids.length);
  expect(ids).toEqual(MERGED_CASE.ids);
  expect(text).toBe(MERGED_CASE.text);
});
