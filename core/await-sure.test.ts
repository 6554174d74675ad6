import { expect, test } from "vitest";
import { awaitSure } from "./await-sure.ts";
import type { TokenEvent } from "./protocol.ts";
import { GREEDY } from "./protocol.ts";

/** A clock that a token takes `tokenMs` of, and an answer of up to 100 tokens. */
function slowAnswer(tokenMs: number, tokens = 100) {
  let clockMs = 0;
  let made = 0;
  const source = new ReadableStream<TokenEvent>(
    {
      pull(controller) {
        const index = made++ - 1;
        if (index === -1) {
          const options = { ...GREEDY, maxNewTokens: 100, stop: [], seed: 1, format: null };
          const prompt = { promptTokens: 1, prefillMs: 0, echo: null };
          const by = { model: "m", engine: "e", device: "cpu" } as const;
          controller.enqueue({ type: "start", options, ...by, ...prompt });
        } else if (index < tokens) {
          clockMs += tokenMs;
          controller.enqueue({ type: "token", index, tokenId: 1, text: "a", score: null });
        } else {
          controller.enqueue({ type: "done", text: "", finishReason: "stop", newTokens: tokens, decodeMs: 1 });
          controller.close();
        }
      },
    },
    { highWaterMark: 0 },
  );
  return { source, now: () => clockMs, made: () => made - 1 };
}

const count = async (stream: ReadableStream<TokenEvent>) => {
  let events = 0;
  const reader = stream.getReader();
  while (!(await reader.read()).done) events++;
  return events;
};

test("an answer that will be in time starts after two tokens, whole", async () => {
  const { source, now, made } = slowAnswer(10);
  const stream = await awaitSure(source, { maxTokens: 100, deadlineMs: 1_100, now });
  expect(made()).toBe(2);
  expect(await count(stream)).toBe(102);
});

test("one that may be late starts as late as it must: when the rest fits at the pace so far", async () => {
  const { source, now, made } = slowAnswer(20);
  await awaitSure(source, { maxTokens: 100, deadlineMs: 2_010, now });
  expect(made()).toBe(2); // 100 tokens of 20 ms
  const late = slowAnswer(20, 60);
  await awaitSure(late.source, { maxTokens: 100, deadlineMs: 1_500, now: late.now });
  expect(late.made()).toBe(61); // until it had ended: 100 tokens would not have fitted
});

test("one that may be of any length starts as soon as the prompt is read", async () => {
  const { source, now, made } = slowAnswer(20);
  const stream = await awaitSure(source, { maxTokens: null, deadlineMs: 10, now });
  expect(made()).toBe(0);
  expect(await count(stream)).toBe(102);
});
