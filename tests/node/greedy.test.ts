import { expect, test } from "vitest";
import { newRequest } from "../../core/generate-request.ts";
import type { GenerateRequest } from "../../core/protocol.ts";
import { generate } from "../../engine/generate.ts";
import type { LanguageModel } from "../../engine/model.ts";
import { tokenise } from "../../engine/prompt.ts";
import { GREEDY_CASES, MERGED_CASE } from "../fixtures/expected-greedy.ts";
import { embeddedModel, mergedModel } from "../fixtures/node-model.ts";

const request = (text: string, maxNewTokens: number): GenerateRequest =>
  newRequest({ type: "text", text }, { maxNewTokens, sampling: { temperature: 0, repetitionPenalty: 1 } });

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

const embedded = await embeddedModel.load();

test.each(GREEDY_CASES)("the embedded model gives PyTorch's tokens for $prompt", async (expected) => {
  const prompt = { type: "text", text: expected.prompt } as const;
  expect((await tokenise(embedded, prompt)).tokenIds).toEqual(expected.prompt_ids);
  const { ids, text, finishReason } = await run(embedded, expected.prompt, 64);
  expect(ids).toEqual(expected.ids);
  expect(text).toBe(expected.text);
  expect(finishReason).toBe(expected.finish_reason);
});

test("a model without a chat template gets the plain one, and reads an instruction as it stands", async () => {
  const merged = await mergedModel.load();
  const messages = [
    { role: "system", content: "Be brief." },
    { role: "user", content: "Hello" },
  ] as const;
  const chat = await tokenise(merged, { type: "chat", messages, instruction: false });
  expect(merged.decode(chat.tokenIds)).toBe("Be brief.\nUser: Hello\nAssistant:");
  expect(chat.stop).toEqual(["\nUser:"]);
  const instruction = await tokenise(merged, { type: "chat", messages: [messages[1]], instruction: true });
  expect(merged.decode(instruction.tokenIds)).toBe("Hello");
  expect(instruction.stop).toEqual([]);
});

test("the log-probabilities of a prompt are those of its tokens one by one", async () => {
  const ids = await embedded.encode("Once upon a time", true);
  const together = await embedded.forward(ids, embedded.createCache(), ids.length);
  const size = together.length / ids.length;
  const cache = embedded.createCache();
  for (const [place, id] of ids.entries()) {
    const alone = await embedded.forward([id], cache);
    const row = together.subarray(place * size, (place + 1) * size);
    const apart = alone.reduce((most, logit, index) => Math.max(most, Math.abs(logit - (row[index] ?? 0))), 0);
    expect(apart).toBeLessThan(0.01);
  }
});

test("a merged decoder (`use_cache_branch`) gives its reference tokens", async () => {
  const merged = await mergedModel.load();
  const { ids, text } = await run(merged, MERGED_CASE.prompt, MERGED_CASE.ids.length);
  expect(ids).toEqual(MERGED_CASE.ids);
  expect(text).toBe(MERGED_CASE.text);
});
