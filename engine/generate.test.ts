import { expect, test } from "vitest";
import type { GenerateRequest, TokenEvent } from "../core/protocol.ts";
import { createFakeModel } from "../tests/fixtures/fake-model.ts";
import { generate } from "./generate.ts";

const request = (changes: Partial<GenerateRequest> = {}): GenerateRequest => ({
  model: null,
  prompt: "a",
  maxNewTokens: 5,
  sampling: {},
  stop: [],
  seed: null,
  ...changes,
});

async function collect(events: AsyncIterable<TokenEvent>) {
  const all: TokenEvent[] = [];
  for await (const event of events) all.push(event);
  const text = all.map((event) => ("text" in event ? event.text : "")).join("");
  return { all, text, last: all.at(-1) };
}

test("`generate()` says start, a token at a time, and done", async () => {
  const { all, text } = await collect(generate(createFakeModel(), request()));
  expect(all.map(({ type }) => type)).toEqual(["start", "token", "token", "token", "token", "token", "done"]);
  expect(text).toBe("bcdef");
  expect(all.at(-1)).toMatchObject({ finishReason: "length", newTokens: 5 });
});

test("`generate()` settles options: the request's before the model's, and a seed that was drawn", async () => {
  const { all } = await collect(generate(createFakeModel(), request({ sampling: { topK: 3 }, maxNewTokens: 1000 })));
  const [start] = all;
  expect(start).toMatchObject({ options: { temperature: 0, topK: 3, topP: 1, maxNewTokens: 255 } });
  expect(start?.type === "start" && Number.isInteger(start.options.seed)).toBe(true);
});

test("`generate()` runs the prompt once and then one token a step", async () => {
  const model = createFakeModel();
  await collect(generate(model, request({ prompt: "abcdef", maxNewTokens: 4 })));
  expect(model.steps).toBe(4); // prefill gives the first token
});

test("`generate()` does not count the token that ends a text", async () => {
  const model = createFakeModel({ next: (last) => (last === 99 ? 0 : last + 1) });
  const { text, last } = await collect(generate(model, request({ maxNewTokens: 50 })));
  expect(text).toBe("bc");
  expect(last).toMatchObject({ finishReason: "stop", newTokens: 2 });
});

test("`generate()` ends before a stop string and says nothing after it", async () => {
  const { text, last } = await collect(generate(createFakeModel(), request({ stop: ["de"], maxNewTokens: 50 })));
  expect(text).toBe("bc");
  expect(last).toMatchObject({ finishReason: "stop", newTokens: 4, text: "" });
});

test("`generate()` gives back what a stop string held, where it was none", async () => {
  const { text } = await collect(generate(createFakeModel(), request({ stop: ["fx"], maxNewTokens: 5 })));
  expect(text).toBe("bcdef");
});

test("`generate()` stops at once when it is left, and gives its cache back", async () => {
  const model = createFakeModel();
  for await (const event of generate(model, request({ maxNewTokens: 100 }))) {
    if (event.type === "token" && event.index === 2) break;
  }
  expect(model.steps).toBe(3);
  expect(model.openCaches).toBe(0);
});

test("`generate()` refuses a prompt that leaves no room", async () => {
  await expect(collect(generate(createFakeModel(), request({ prompt: "x".repeat(256) })))).rejects.toMatchObject({
    code: "prompt-too-long",
  });
});

test("two generations at once do not disturb each other", async () => {
  const model = createFakeModel();
  const [one, two] = await Promise.all([
    collect(generate(model, request({ prompt: "a" }))),
    collect(generate(model, request({ prompt: "A" }))),
  ]);
  expect([one.text, two.text]).toEqual(["bcdef", "BCDEF"]);
  expect(model.openCaches).toBe(0);
});
