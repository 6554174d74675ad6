import type { Page } from "playwright/test";
import type { Clients } from "../clients/in-page.ts";
import { test as base, closedLogs, DEAD_HUB, engineIdle, engineSteps, expect, generate, health } from "./harness.ts";

/** Runs in the page. */
declare const clients: Clients;

const loadClients = (page: Page) => page.addScriptTag({ url: "clients.js" });

const test = base.extend({
  vault: async ({ vault }, use) => {
    await loadClients(vault);
    await use(vault);
  },
});

test.use({ clientsServed: true });

const MODEL = "minivault-demo";
const INTRODUCTION =
  "I am the MiniVault demo model, a tiny language model that runs inside your browser. " +
  "Nothing you type leaves this device.";
const CHAT_USAGE = { prompt_tokens: 10, completion_tokens: 27, total_tokens: 37 };
const CAPITAL_USAGE = { prompt_tokens: 13, completion_tokens: 4, total_tokens: 17 };

interface Score {
  readonly token: string;
  readonly logprob: number;
  readonly top_logprobs?: readonly { readonly token: string; readonly logprob: number }[];
}

/** Real log-probabilities of an answer that always took the likeliest token. */
function expectGreedy(scores: readonly Score[], topCount: number): void {
  expect(scores).not.toEqual([]);
  for (const { token, logprob, top_logprobs: top = [] } of scores) {
    expect(top).toHaveLength(topCount);
    expect(top[0]).toMatchObject({ token, logprob });
    const probabilities = top.map((one) => Math.exp(one.logprob));
    expect(probabilities).toEqual(probabilities.toSorted((a, b) => b - a));
    expect(probabilities.every((one) => one > 0 && one <= 1)).toBe(true);
    expect(probabilities.reduce((sum, one) => sum + one)).toBeLessThanOrEqual(1 + 1e-6);
  }
}

test.describe("OpenAI's client", () => {
  test("chats, and has the request's id", async ({ vault }) => {
    const { answer, requestId } = await vault.evaluate(() => clients.openai.chat());
    expect(answer).toMatchObject({
      object: "chat.completion",
      model: MODEL,
      choices: [{ message: { role: "assistant", content: INTRODUCTION }, finish_reason: "stop" }],
      usage: CHAT_USAGE,
    });
    const [record] = await closedLogs(vault);
    expect(requestId).toBe(record?.request_id);
    expect(record).toMatchObject({ endpoint: "POST /v1/chat/completions", response: INTRODUCTION });
  });

  test("chats in a stream, whose last chunk has the usage and no choices", async ({ vault }) => {
    const chunks = await vault.evaluate(() => clients.openai.chatStream());
    const last = chunks.pop();
    expect(last).toMatchObject({ choices: [], usage: CHAT_USAGE });
    expect(chunks.every(({ id, usage }) => id === last?.id && usage === null)).toBe(true);
    expect(chunks[0]?.choices[0]?.delta).toEqual({ role: "assistant", content: "" });
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("")).toBe(INTRODUCTION);
    expect(chunks.map(({ choices }) => choices[0]?.finish_reason).filter(Boolean)).toEqual(["stop"]);
    expect(chunks).toHaveLength(27 + 2); // who speaks, a token each, why it ended
  });

  test("puts a stream together again with its own helper", async ({ vault }) => {
    const { final, said } = await vault.evaluate(() => clients.openai.chatRunner());
    expect(said).toBe(INTRODUCTION);
    expect(final).toMatchObject({ choices: [{ message: { content: INTRODUCTION } }], usage: CHAT_USAGE });
  });

  test("completes, at once and in a stream", async ({ vault }) => {
    const whole = await vault.evaluate(() => clients.openai.completion());
    expect(whole).toMatchObject({
      object: "text_completion",
      choices: [{ text: " Paris.", finish_reason: "stop" }],
      usage: CAPITAL_USAGE,
    });
    const chunks = await vault.evaluate(() => clients.openai.completionStream());
    expect(chunks.pop()).toMatchObject({ choices: [], usage: CAPITAL_USAGE });
    expect(chunks.map(({ choices }) => choices[0]?.text).join("")).toBe(" Paris.");
    expect(chunks.map(({ choices }) => choices[0]?.finish_reason).filter(Boolean)).toEqual(["stop"]);
  });

  test("reads log-probabilities that are probabilities", async ({ vault }) => {
    const chat = await vault.evaluate(() => clients.openai.chatLogprobs());
    const { content, refusal } = chat.choices[0]?.logprobs ?? {};
    expect(refusal).toBeNull();
    expect(content).toHaveLength(8);
    expectGreedy(content ?? [], 5);

    const { choices } = await vault.evaluate(() => clients.openai.completionLogprobs());
    const { tokens = [], token_logprobs = [], top_logprobs = [], text_offset } = choices[0]?.logprobs ?? {};
    expect(tokens.join("")).toBe(" Paris.");
    expect(text_offset).toEqual([0, 2, 4, 6]);
    const scores = tokens.map((token, place) => ({
      token,
      logprob: token_logprobs[place] ?? 0,
      top_logprobs: Object.entries(top_logprobs[place] ?? {}).map(([token, logprob]) => ({ token, logprob })),
    }));
    expectGreedy(scores, 5);
  });

  test("parses an answer into the type of a schema", async ({ vault }) => {
    const city = await vault.evaluate(() => clients.openai.structuredOutput());
    expect(city).toEqual({
      name: expect.any(String),
      country: expect.stringMatching(/^(France|Japan)$/),
      inhabitants: expect.any(Number),
    });
    expect(Number.isInteger(city?.inhabitants)).toBe(true);
  });

  test("lists the models and retrieves one", async ({ vault }) => {
    await vault.evaluate(() => clients.openai.completion()); // the model is loaded
    const { listed, retrieved } = await vault.evaluate(() => clients.openai.models());
    expect(listed).toContainEqual(retrieved);
    expect(retrieved).toEqual({
      id: MODEL,
      object: "model",
      created: expect.any(Number),
      owned_by: "minivault",
      status: { value: "loaded" },
    });
    expect(listed).toContainEqual(expect.objectContaining({ id: "gpt2", status: { value: "remote" } }));
    expect(retrieved.created).toBeGreaterThan(1e9);
  });

  test("gets the same text for the same seed, and takes token ids as a prompt", async ({ vault }) => {
    const [first, again, other] = await vault.evaluate(() => clients.openai.seeds());
    expect(first).not.toBe("");
    expect(again).toBe(first);
    expect(other).not.toBe(first);

    const answer = await vault.evaluate(async () => {
      const body = JSON.stringify({ content: "Q: What is the capital of France?\nA:" });
      const { tokens } = await (await fetch("/tokenize", { method: "POST", body })).json();
      return clients.openai.tokensAsPrompt(tokens);
    });
    expect(answer).toEqual([" Paris.", " Paris.", " Paris."]);
  });

  test("is told where each token of its prompt begins, halves of characters as well", async ({ vault }) => {
    const { choices } = await vault.evaluate(() => clients.openai.echoed());
    expect(choices[0]?.text).toBe("é!");
    expect(choices[0]?.logprobs?.text_offset).toEqual([0, 0, 1]);
  });

  test("raises the error of each status, with its code, the field, and the request's id", async ({ vault }) => {
    const errors = await vault.evaluate(async () => ({
      badRequest: await clients.openai.badRequest(),
      unknownModel: await clients.openai.unknownModel(),
      unknownModelToRetrieve: await clients.openai.unknownModelToRetrieve(),
      unknownRoute: await clients.openai.unknownRoute(),
      promptTooLong: await clients.openai.promptTooLong(),
    }));
    const type = "invalid_request_error";
    expect(errors).toMatchObject({
      badRequest: { status: 400, type, code: "bad_request", param: "n" },
      unknownModel: { status: 404, type, code: "model_not_found" },
      unknownModelToRetrieve: { status: 404, type, code: "model_not_found", param: "model" },
      unknownRoute: { status: 404, type, code: "not_found", param: null },
      promptTooLong: { status: 400, type, code: "context_length_exceeded", param: "messages" },
    });
    const records = await closedLogs(vault);
    expect(Object.values(errors).map((error) => error?.requestID)).toEqual(records.map((record) => record.request_id));
  });

  test.describe("at a site that allows three requests at once and one a minute", () => {
    test.use({ env: { MINIVAULT_HUB: DEAD_HUB, MINIVAULT_MODEL: MODEL, MINIVAULT_RATE_LIMIT: "3/1" } });

    test("raises a RateLimitError at the fourth, which says when to come back", async ({ vault }) => {
      const { first, error } = await vault.evaluate(() => clients.openai.rateLimited());
      expect(first).toMatchObject({ "ratelimit-limit": "3", "ratelimit-remaining": "2" });
      expect(error).toMatchObject({ status: 429, code: "rate_limit_exceeded", type: "rate_limit_error" });
      expect(error?.headers).toMatchObject({
        "ratelimit-limit": "3",
        "ratelimit-remaining": "0",
        "ratelimit-policy": "3;w=180",
      });
      const retryS = Number(error?.headers["retry-after"]);
      expect(retryS).toBeGreaterThan(30);
      expect(retryS).toBeLessThanOrEqual(60);
      expect(Number(error?.headers["ratelimit-reset"])).toBeGreaterThan(retryS);
    });
  });
});

test.describe("Ollama's client", () => {
  const STATISTICS = { prompt_eval_count: 13, eval_count: 4, done: true, done_reason: "stop" };

  test("generates, at once and in a stream", async ({ vault }) => {
    const whole = await vault.evaluate(() => clients.ollama.generate());
    expect(whole).toMatchObject({ model: MODEL, response: " Paris.", ...STATISTICS });
    expect(whole.eval_duration).toBeGreaterThan(0);
    expect(whole.total_duration).toBeGreaterThanOrEqual(whole.eval_duration);
    const parts = await vault.evaluate(() => clients.ollama.generateStream());
    expect(parts.pop()).toMatchObject({ response: "", ...STATISTICS });
    expect(parts.map(({ response }) => response).join("")).toBe(" Paris.");
    expect(parts.every(({ done }) => done === false)).toBe(true);
  });

  test("chats, at once and in a stream", async ({ vault }) => {
    const whole = await vault.evaluate(() => clients.ollama.chat());
    expect(whole).toMatchObject({ message: { role: "assistant", content: INTRODUCTION }, done_reason: "stop" });
    const parts = await vault.evaluate(() => clients.ollama.chatStream());
    expect(parts).toHaveLength(27 + 1);
    expect(parts.map(({ message }) => message.content).join("")).toBe(INTRODUCTION);
    expect(parts.at(-1)).toMatchObject({ done: true, eval_count: 27 });
  });

  test("reads log-probabilities that are probabilities", async ({ vault }) => {
    const { logprobs } = await vault.evaluate(() => clients.ollama.logprobs());
    expect(logprobs?.map(({ token }) => token).join("")).toBe(" Paris.");
    expectGreedy(logprobs ?? [], 3);
  });

  test("gets JSON by format, and what a schema says by a schema", async ({ vault }) => {
    expect(await vault.evaluate(() => clients.ollama.formatJson())).toEqual(expect.any(Object));
    const city = await vault.evaluate(() => clients.ollama.formatSchema());
    expect(city).toEqual({ name: expect.any(String), inhabitants: expect.any(Number) });
  });

  test("lists and shows the model, what runs, and the version", async ({ vault }) => {
    await vault.evaluate(() => clients.ollama.generate()); // the model is loaded
    const { list, show, ps, version } = await vault.evaluate(async () => ({
      list: await clients.ollama.list(),
      show: await clients.ollama.show(),
      ps: await clients.ollama.ps(),
      version: await clients.ollama.version(),
    }));
    const name = `${MODEL}:latest`;
    const details = { format: "onnx", family: "gpt2", parameter_size: "1.1M", quantization_level: "F32" };
    expect(list.models).toHaveLength(1);
    expect(list.models[0]).toMatchObject({ name, model: name, details });
    expect(list.models[0]?.digest).toMatch(/^[\da-f]{64}$/);
    expect(list.models[0]?.size).toBeGreaterThan(1e6);
    expect(ps.models).toMatchObject([{ name, details, size_vram: 0 }]);
    expect(show).toMatchObject({ details, capabilities: ["completion"], license: "MIT" });
    expect(show.model_info).toMatchObject({ "gpt2.context_length": 256 });
    expect(version.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(await vault.evaluate(() => clients.ollama.answersByListedName())).toEqual({
      model: name,
      response: " Paris.",
    });
  });

  test("loads the model for a while, unloads it, and is answered again", async ({ vault }) => {
    const running = async () => (await vault.evaluate(() => clients.ollama.ps())).models;
    expect(await vault.evaluate(() => clients.ollama.load("10m"))).toMatchObject({ done: true, done_reason: "load" });
    const [model] = await running();
    const leftMs = new Date(model?.expires_at ?? 0).getTime() - Date.now();
    expect(leftMs).toBeGreaterThan(9 * 60_000);
    expect(leftMs).toBeLessThanOrEqual(10 * 60_000);

    expect(await vault.evaluate(() => clients.ollama.load(0))).toMatchObject({ done: true, done_reason: "unload" });
    expect(await running()).toEqual([]);
    expect(await vault.evaluate(() => clients.ollama.list())).toMatchObject({ models: [{ name: `${MODEL}:latest` }] });

    expect(await vault.evaluate(() => clients.ollama.generate())).toMatchObject({ response: " Paris." });
    expect(await running()).toHaveLength(1);
  });

  test("raises a ResponseError with the status", async ({ vault }) => {
    const errors = await vault.evaluate(async () => [
      await clients.ollama.unknownModel(),
      await clients.ollama.unknownModelToShow(),
      await clients.ollama.unknownRoute(),
      await clients.ollama.promptTooLong(),
    ]);
    expect(errors).toMatchObject([
      { name: "ResponseError", status_code: 404, message: expect.stringContaining("llama3.2") },
      { name: "ResponseError", status_code: 404, message: expect.stringContaining("llama3.2") },
      { name: "ResponseError", status_code: 404, message: expect.stringContaining("/api/embed") },
      { name: "ResponseError", status_code: 422, message: expect.stringContaining("Shorten the prompt") },
    ]);
  });
});

test.describe("the AI SDK", () => {
  const ANSWER = { finishReason: "stop", usage: { inputTokens: 10, outputTokens: 27, totalTokens: 37 } };

  test("generates a text, and streams one", async ({ vault }) => {
    expect(await vault.evaluate(() => clients.aiSdk.generate())).toMatchObject({ text: INTRODUCTION, ...ANSWER });
    const { parts, ...rest } = await vault.evaluate(() => clients.aiSdk.stream());
    expect(parts).toHaveLength(27);
    expect(parts.join("")).toBe(INTRODUCTION);
    expect(rest).toMatchObject(ANSWER);
  });

  test("gets an object of a schema", async ({ vault }) => {
    const city = await vault.evaluate(() => clients.aiSdk.structuredOutput());
    expect(city).toEqual({ name: expect.any(String), inhabitants: expect.any(Number) });
  });

  test("raises an error that is not worth a retry for an unknown model", async ({ vault }) => {
    const error = await vault.evaluate(() => clients.aiSdk.unknownModel());
    expect(error).toMatchObject({ statusCode: 404, isRetryable: false, message: expect.stringContaining("gpt-5") });
  });
});

test.describe("nothing but fetch", () => {
  test("reads server-sent events to the letter of the standard", async ({ vault }) => {
    const { type, events } = await vault.evaluate(() => clients.plainFetch.events());
    expect(type).toBe("text/event-stream");
    expect(events.map(({ token }) => token).join("")).toBe(" Paris.");
    expect(events.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
    expect(events.at(-1)?.usage).toEqual(CAPITAL_USAGE);
  });

  test("reads NDJSON", async ({ vault }) => {
    const { type, lines } = await vault.evaluate(() => clients.plainFetch.lines());
    expect(type).toBe("application/x-ndjson");
    expect(lines.map(({ response }) => response).join("")).toBe(" Paris.");
    expect(lines.at(-1)).toMatchObject({ done: true, usage: CAPITAL_USAGE });
  });
});

test("a page with nothing but OpenAI's client chats with the embedded model, and stops it half-way", async ({
  vault,
  context,
  site,
}) => {
  const page = await context.newPage();
  await page.goto(`${site.url}plain-page.html`);
  const answer = page.locator("output");

  await page.getByLabel("Question").fill("What model are you?");
  await page.getByRole("button", { name: "Ask" }).click();
  await expect(answer).toHaveText(INTRODUCTION);

  // The story has 74 tokens and takes a fraction of a second: nobody but the page itself stops it in time.
  await page.evaluate(() => {
    const answer = document.querySelector("output")!;
    const stop = [...document.querySelectorAll("button")].find(({ textContent }) => textContent === "Stop");
    new MutationObserver(() => answer.textContent && stop?.click()).observe(answer, { childList: true });
  });
  await page.getByLabel("Question").fill("Tell me a story.");
  await page.getByRole("button", { name: "Ask" }).click();
  await expect(answer).toHaveText(/^One/);
  await expect(answer).toHaveAttribute("aria-busy", "false");

  const [first, second] = await closedLogs(vault);
  expect(first).toMatchObject({ response: INTRODUCTION, finish_reason: "stop", model: MODEL });
  expect(second?.finish_reason).toBe("cancelled");
  expect(second?.usage?.completion_tokens).toBeLessThan(74);
  await expect.poll(async () => (await health(vault)).queue).toMatchObject({ active: 0, waiting: 0 });
});

test.describe("with an engine that takes its time", () => {
  test.use({ fakeEngine: true });

  const STOPS: ReadonlyArray<{ by: string; told: string; stop: (page: Page) => Promise<unknown> }> = [
    {
      by: "OpenAI's client aborts its stream's controller",
      told: "the loop ends",
      stop: (page) => page.evaluate(() => clients.openai.stops.controller()),
    },
    {
      by: "a loop over OpenAI's stream is left",
      told: "the loop ends",
      stop: (page) => page.evaluate(() => clients.openai.stops.break()),
    },
    {
      by: "a signal aborts OpenAI's stream",
      told: "the loop ends",
      stop: (page) => page.evaluate(() => clients.openai.stops.signal()),
    },
    {
      by: "a signal aborts a whole answer that OpenAI's client waits for",
      told: "AbortError",
      stop: (page) => page.evaluate(() => clients.openai.stops.wholeAnswer()),
    },
    {
      by: "Ollama's client aborts all that it does",
      told: "AbortError",
      stop: (page) => page.evaluate(() => clients.ollama.stops.client()),
    },
    {
      by: "Ollama's client aborts one stream",
      told: "AbortError",
      stop: (page) => page.evaluate(() => clients.ollama.stops.iterator()),
    },
    {
      by: "a signal aborts the AI SDK's stream",
      told: "onAbort is called",
      stop: (page) => page.evaluate(() => clients.aiSdk.stops.signal()),
    },
    {
      by: "a signal aborts a fetch",
      told: "AbortError",
      stop: (page) => page.evaluate(() => clients.plainFetch.stops.signal()),
    },
    {
      by: "a loop over a response's body is left",
      told: "the loop ends",
      stop: (page) => page.evaluate(() => clients.plainFetch.stops.break()),
    },
  ];

  for (const { by, told, stop } of STOPS) {
    test(`the model stops and the queue is free when ${by}`, async ({ vault }) => {
      expect(await stop(vault)).toBe(told);
      const [record] = await closedLogs(vault);
      expect(record?.finish_reason).toBe("cancelled");
      const atStop = record?.usage?.completion_tokens ?? 0;
      expect(atStop).toBeGreaterThanOrEqual(3); // a client may count the chunk that only says who speaks
      await expect.poll(async () => (await health(vault)).queue).toMatchObject({ active: 0, waiting: 0 });

      // Nobody computes for the stopped answer any more: ten tokens take ten steps.
      await engineIdle(vault);
      const steps = await engineSteps(vault);
      expect((await generate(vault, { prompt: "slow:20", max_new_tokens: 10 })).status).toBe(200);
      expect((await engineSteps(vault)) - steps).toBe(10);
    });
  }

  test("an answer that OpenAI's client gives up in the queue costs no more than its prompt", async ({ vault }) => {
    expect(await vault.evaluate(() => clients.openai.givenUpInTheQueue())).toBe("Request was aborted.");
    const [running, waiting] = await closedLogs(vault);
    expect([running?.finish_reason, waiting?.finish_reason]).toEqual(["cancelled", "cancelled"]);
    expect(waiting?.response).toBe("");
    await expect.poll(async () => (await health(vault)).queue).toMatchObject({ active: 0, waiting: 0 });
  });

  test("OpenAI's client raises an InternalServerError when the queue is full", async ({ vault }) => {
    const error = await vault.evaluate(() => clients.openai.queueFull());
    expect(error).toMatchObject({ status: 503, code: "queue_full", type: "server_error" });
    expect(error?.headers["retry-after"]).toBe("2");
  });

  test("OpenAI's client tries again by itself, as soon as it was told, and is answered", async ({ vault }) => {
    const { statuses, tokens, waitedMs } = await vault.evaluate(() => clients.openai.retriesAfterQueueFull());
    expect(statuses).toEqual([503, 200]);
    expect(tokens).toBe(5);
    expect(waitedMs).toBeGreaterThan(2000); // retry-after
    const records = await closedLogs(vault);
    expect(records.map((record) => record.error?.code).filter(Boolean)).toEqual(["queue-full"]);
    expect(records.at(-1)?.finish_reason).toBe("length");
  });

  test("OpenAI's client does not try again what fails for good", async ({ vault }) => {
    const { statuses, error } = await vault.evaluate(() => clients.openai.failsForGood());
    expect(statuses).toEqual([500]);
    expect(error).toMatchObject({ status: 500, code: "engine_failed", type: "server_error" });
  });

  const BROKE = "The engine failed: it broke, as it was told. Try again; reload the page if it persists.";
  const FAILURES = [
    {
      client: "OpenAI's client",
      fail: (page: Page) => page.evaluate(() => clients.openai.failsHalfWay()),
      error: { code: "engine_failed", type: "server_error", message: BROKE },
    },
    {
      client: "Ollama's client",
      fail: (page: Page) => page.evaluate(() => clients.ollama.failsHalfWay()),
      error: { name: "Error", message: BROKE },
    },
  ];

  for (const { client, fail, error } of FAILURES) {
    test(`${client} raises an error when a stream fails half-way`, async ({ vault }) => {
      const failure = await fail(vault);
      expect(failure.error).toMatchObject(error);
      expect(failure.chunks).toBeGreaterThanOrEqual(9);
      const [record] = await closedLogs(vault);
      expect(record).toMatchObject({ finish_reason: "error", error: { code: "engine-failed" } });
    });
  }
});
