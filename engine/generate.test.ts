import { expect, test } from "vitest";
import { newRequest } from "../core/generate-request.ts";
import type { GenerateRequest, Prompt, TokenEvent } from "../core/protocol.ts";
import { createFakeModel } from "../tests/fixtures/fake-model.ts";
import { llama2 } from "../tests/fixtures/small-tokenizers.ts";
import { generate } from "./generate.ts";
import type { LanguageModel } from "./model.ts";

const ask = (text: string, changes: Partial<GenerateRequest> = {}): GenerateRequest =>
  newRequest({ type: "text", text }, { maxNewTokens: 5, ...changes });

async function collect(events: AsyncIterable<TokenEvent>) {
  const all: TokenEvent[] = [];
  for await (const event of events) all.push(event);
  const text = all.map((event) => ("text" in event ? event.text : "")).join("");
  return { all, text, last: all.at(-1) };
}

test("`generate()` says start, a token at a time, and done", async () => {
  const { all, text } = await collect(generate(createFakeModel(), ask("a")));
  expect(all.map(({ type }) => type)).toEqual(["start", "token", "token", "token", "token", "token", "done"]);
  expect(text).toBe("bcdef");
  expect(all.at(-1)).toMatchObject({ finishReason: "length", newTokens: 5 });
});

test("`generate()` settles options: the request's before the model's, and a seed that was drawn", async () => {
  const { all } = await collect(generate(createFakeModel(), ask("a", { sampling: { topK: 3 }, maxNewTokens: 1000 })));
  const [start] = all;
  expect(start).toMatchObject({ options: { temperature: 0, topK: 3, topP: 1, maxNewTokens: 255 } });
  expect(start?.type === "start" && Number.isInteger(start.options.seed)).toBe(true);
});

test("`generate()` runs the prompt once and then one token a step", async () => {
  const model = createFakeModel();
  await collect(generate(model, ask("abcdef", { maxNewTokens: 4 })));
  expect(model.steps).toBe(4); // prefill gives the first token
});

test("`generate()` does not count the token that ends a text", async () => {
  const model = createFakeModel({ next: (last) => (last === 99 ? 0 : last + 1) });
  const { text, last } = await collect(generate(model, ask("a", { maxNewTokens: 50 })));
  expect(text).toBe("bc");
  expect(last).toMatchObject({ finishReason: "stop", newTokens: 2 });
});

test("`generate()` ends before a stop string and says nothing after it", async () => {
  const { text, last } = await collect(generate(createFakeModel(), ask("a", { stop: ["de"], maxNewTokens: 50 })));
  expect(text).toBe("bc");
  expect(last).toMatchObject({ finishReason: "stop", newTokens: 4, text: "" });
});

test("`generate()` gives back what a stop string held, where it was none", async () => {
  const { text } = await collect(generate(createFakeModel(), ask("a", { stop: ["fx"], maxNewTokens: 5 })));
  expect(text).toBe("bcdef");
});

test("`generate()` stops at once when it is left, and gives its cache back", async () => {
  const model = createFakeModel();
  for await (const event of generate(model, ask("a", { maxNewTokens: 100 }))) {
    if (event.type === "token" && event.index === 2) break;
  }
  expect(model.steps).toBe(3);
  expect(model.openCaches).toBe(0);
});

test("`generate()` refuses a prompt that leaves no room", async () => {
  await expect(collect(generate(createFakeModel(), ask("x".repeat(256))))).rejects.toMatchObject({
    code: "prompt-too-long",
  });
});

test("two generations at once do not disturb each other", async () => {
  const model = createFakeModel();
  const [one, two] = await Promise.all([collect(generate(model, ask("a"))), collect(generate(model, ask("A")))]);
  expect([one.text, two.text]).toEqual(["bcdef", "BCDEF"]);
  expect(model.openCaches).toBe(0);
});

test("`generate()` scores what it says by the model's own probabilities, before any sampling option", async () => {
  const { all } = await collect(
    generate(createFakeModel(), ask("a", { logprobs: 2, seed: 1, sampling: { temperature: 3 } })),
  );
  const scores = all.flatMap((event) => (event.type === "token" && event.score ? [event.score] : []));
  expect(scores).toHaveLength(5);
  // One logit is 20, 255 are 0.
  const best = -Math.log(1 + 255 * Math.exp(-20));
  for (const { top } of scores) expect(top[0]?.logprob).toBeCloseTo(best, 6);
  expect(scores[0]?.bytes).toEqual([scores[0]?.tokenId]);
});

test("`generate()` echoes the prompt: its text, and its tokens by what the model thought of them", async () => {
  const { all } = await collect(generate(createFakeModel(), ask("abd", { echo: true, logprobs: 1, maxNewTokens: 0 })));
  const [start, done] = all;
  expect(done).toMatchObject({ type: "done", finishReason: "length", newTokens: 0 });
  if (start?.type !== "start") throw new Error("the first event is the start");
  expect(start.echo?.text).toBe("abd");
  // After "a" the model expects "b", and gets it; after "b" it expects "c", and gets "d".
  const [first, second, third] = start.echo?.tokens ?? [];
  expect(first).toMatchObject({ text: "a", logprob: null });
  expect(second?.logprob).toBeCloseTo(0, 5);
  expect(third?.logprob).toBeCloseTo(-20, 5);
  expect(third?.top).toMatchObject([{ text: "c" }]);
});

test("`generate()` takes token ids, and refuses those that the model has not", async () => {
  const tokens = (tokenIds: number[]) => newRequest({ type: "tokens", tokenIds }, { maxNewTokens: 2 });
  expect((await collect(generate(createFakeModel(), tokens([97])))).text).toBe("bc");
  await expect(collect(generate(createFakeModel(), tokens([256])))).rejects.toMatchObject({ code: "bad-request" });
});

test("`generate()` renders a chat, drops the space before the answer and ends where the next turn begins", async () => {
  const said = new TextEncoder().encode("\n Hi!\nUser: more");
  const model = {
    ...createFakeModel({ next: (_, position) => said[position - 3] ?? 0 }),
    chatStop: ["\nUser:"],
  };
  const chat = newRequest({ type: "chat", messages: [{ role: "user", content: "you" }], instruction: false });
  const { text, last } = await collect(generate(model, chat));
  expect(text).toBe("Hi!");
  expect(last).toMatchObject({ finishReason: "stop" });
});

test("`generate()` reads an instruction as it stands if the model knows no chats", async () => {
  const model = {
    ...createFakeModel(),
    readsChats: false,
    renderChat: () => ({ text: "User: a", control: "all" as const }),
  };
  const instruction = newRequest(
    { type: "chat", messages: [{ role: "user", content: "a" }], instruction: true },
    { maxNewTokens: 2, echo: true },
  );
  const [start] = (await collect(generate(model, instruction))).all;
  expect(start).toMatchObject({ echo: { text: "a" } });
});

test("`generate()` says so if the model's chat template refuses a message", async () => {
  const renderChat = () => {
    throw new Error("System role not supported");
  };
  const chat = newRequest({ type: "chat", messages: [{ role: "system", content: "a" }], instruction: false });
  await expect(collect(generate({ ...createFakeModel(), renderChat }, chat))).rejects.toMatchObject({
    code: "bad-request",
    message: expect.stringContaining("System role not supported"),
  });
});

/** The words of a vocabulary of SentencePiece's, which are said one after the other. */
async function speaker(said: string) {
  const text = await llama2();
  const before = await text.encode("Hello", true);
  const answer = (await text.encode(`Hello${said}`, true)).slice(before.length);
  const end = text.endTokenIds[0]!;
  const fake = createFakeModel();
  const model: LanguageModel = {
    ...fake,
    ...text,
    card: { ...fake.card, ...text.card },
    async forward(tokenIds, cache, rows = 1) {
      await fake.forward(tokenIds, cache, rows);
      const size = text.vocabulary().bytes.length;
      const logits = new Float32Array(size * rows);
      logits[size * (rows - 1) + (answer[cache.length - before.length] ?? end)] = 20;
      return logits;
    },
  };
  return { model, before };
}

test("`generate()` says the space before the first word, and stops at it, of a decoder that strips the first of a text", async () => {
  const { model, before } = await speaker(" world time");
  const prompt = { type: "text", text: "Hello" } as const;
  const whole = await collect(generate(model, newRequest(prompt, { echo: true, logprobs: 1 })));
  expect(whole.text).toBe(" world time");
  expect(whole.all[0]).toMatchObject({ echo: { text: "Hello" } });
  const tokens = whole.all.filter((event) => event.type === "token");
  expect(tokens.map(({ score }) => score?.text).join("")).toBe(" world time");
  const cut = await collect(generate(model, newRequest(prompt, { stop: [" world"] })));
  expect(cut.text).toBe("");
  expect(cut.last).toMatchObject({ finishReason: "stop" });
  const continued = tokens.slice(0, 1).map(({ tokenId }) => tokenId);
  const rest = await collect(generate(model, newRequest({ type: "tokens", tokenIds: before }, { continued })));
  expect(rest.text).toBe(" world time");
});

test("`generate()` echoes control tokens of a prompt as they were sent: in a text, or as token ids", async () => {
  const { model } = await speaker("");
  const echoOf = async (prompt: Prompt) =>
    (await collect(generate(model, newRequest(prompt, { echo: true, maxNewTokens: 1 })))).all[0];
  const text = "Hello</s> time";
  expect(await echoOf({ type: "text", text })).toMatchObject({ echo: { text } });
  const tokenIds = await model.encode("Hello</s>", true);
  expect(await echoOf({ type: "tokens", tokenIds })).toMatchObject({ echo: { text: "<s> Hello</s>" } });
});

test("`generate()` writes JSON after any prompt, in a vocabulary whose words begin with their space", async () => {
  const { model } = await speaker("");
  const size = model.vocabulary().bytes.length;
  const undecided = { ...model, forward: async () => Float32Array.from({ length: size }, (_, id) => id % 7) };
  const format = { type: "schema", schema: { type: "object", required: ["Hello"] } } as const;
  const { text } = await collect(generate(undecided, ask("Hello", { format, maxNewTokens: 60 })));
  expect(JSON.parse(text)).toHaveProperty("Hello");
  expect(text).toMatch(/^\{/);
});

test("`generate()` echoes token ids and says their answer: together one text, also where they part a character", async () => {
  const { model } = await speaker("");
  const tokenIds = await model.encode("Hello é", true);
  const [first, second] = [tokenIds.slice(0, -1), tokenIds.slice(-1)];
  const prompt = { type: "tokens", tokenIds: first } as const;
  const { all, text } = await collect(
    generate(model, newRequest(prompt, { echo: true, continued: second, maxNewTokens: 1 })),
  );
  expect(all[0]).toMatchObject({ echo: { text: "<s> Hello " } });
  expect(text).toBe("é");
});
