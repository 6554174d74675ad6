/** OpenAI's own client, as a page of this origin would use it. */
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

/** There is no key to hide: the model is in this browser, and any text will do. */
const settings = { baseURL: `${location.origin}/v1`, apiKey: "local", dangerouslyAllowBrowser: true };
const openai = new OpenAI(settings);

const model = "minivault-demo";
const messages = [{ role: "user" as const, content: "What model are you?" }];
const capital = "Q: What is the capital of France?\nA:";

// ── Answers ────────────────────────────────────────────────────────────────

export async function chat() {
  const answer = await openai.chat.completions.create({ model, messages });
  return { answer, requestId: answer._request_id };
}

export async function chatStream() {
  const stream = await openai.chat.completions.create({
    model,
    messages,
    stream: true,
    stream_options: { include_usage: true },
  });
  const chunks: OpenAI.Chat.Completions.ChatCompletionChunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

/** The client's helper for streams: it puts the chunks together again, and checks their order while it does. */
export async function chatRunner() {
  const said: string[] = [];
  const runner = openai.chat.completions
    .stream({ model, messages, stream_options: { include_usage: true } })
    .on("content.delta", ({ delta }) => said.push(delta));
  return { final: await runner.finalChatCompletion(), said: said.join("") };
}

export const completion = () => openai.completions.create({ model, prompt: capital });

export async function completionStream() {
  const stream = await openai.completions.create({
    model,
    prompt: capital,
    stream: true,
    stream_options: { include_usage: true },
  });
  const chunks: OpenAI.Completions.Completion[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

export const chatLogprobs = () =>
  openai.chat.completions.create({ model, messages, logprobs: true, top_logprobs: 5, max_completion_tokens: 8 });

export const completionLogprobs = () => openai.completions.create({ model, prompt: capital, logprobs: 5 });

const City = z.object({ name: z.string(), country: z.enum(["France", "Japan"]), inhabitants: z.number().int() });

/** `parsed` has the schema's type, and has been through its check. */
export async function structuredOutput() {
  const answer = await openai.chat.completions.parse({
    model,
    messages: [{ role: "user", content: "Tell me about a city." }],
    response_format: zodResponseFormat(City, "city"),
    max_completion_tokens: 60,
  });
  const parsed: z.infer<typeof City> | null | undefined = answer.choices[0]?.message.parsed;
  return parsed ?? null;
}

export async function models() {
  const page = await openai.models.list();
  return { listed: page.data, retrieved: await openai.models.retrieve(model) };
}

/** Three texts: the first two by the same seed. */
export async function seeds() {
  const texts: Array<string | undefined> = [];
  for (const seed of [7, 7, 8]) {
    const options = { prompt: "Once upon a time", temperature: 1.5, max_tokens: 24, seed };
    const answer = await openai.completions.create({ model, ...options });
    texts.push(answer.choices[0]?.text);
  }
  return texts;
}

/** A list of token ids is a prompt too, and so is a list of one prompt. */
export async function tokensAsPrompt(tokenIds: number[]) {
  const texts: Array<string | undefined> = [];
  for (const prompt of [tokenIds, [tokenIds], [capital]]) {
    const answer = await openai.completions.create({ model, prompt });
    texts.push(answer.choices[0]?.text);
  }
  return texts;
}

/** What the client says of a prompt, half characters and all: each token begins where its text does. */
export const echoed = () => openai.completions.create({ model, prompt: "é!", echo: true, max_tokens: 0, logprobs: 0 });

// ── Errors ─────────────────────────────────────────────────────────────────

type ApiError = InstanceType<typeof OpenAI.APIError>;

/** Whether the client raised an error of this class, and what it found in it. */
async function raised(Expected: new (...args: never[]) => ApiError, attempt: Promise<unknown>) {
  try {
    await attempt;
    return null;
  } catch (cause) {
    if (!(cause instanceof Expected)) throw cause;
    const { status, code, type, param, message, requestID, headers } = cause;
    return { status, code, type, param, message, requestID, headers: Object.fromEntries(headers ?? []) };
  }
}

const without = new OpenAI({ ...settings, maxRetries: 0 });
const create = (body: Partial<OpenAI.Chat.ChatCompletionCreateParamsNonStreaming>) =>
  without.chat.completions.create({ model, messages, ...body });

export const badRequest = () => raised(OpenAI.BadRequestError, create({ n: 2 }));
export const unknownModel = () => raised(OpenAI.NotFoundError, create({ model: "gpt-5" }));
export const unknownModelToRetrieve = () => raised(OpenAI.NotFoundError, without.models.retrieve("gpt-5"));
export const unknownRoute = () => raised(OpenAI.NotFoundError, without.images.generate({ prompt: "A red fox" }));
export const promptTooLong = () =>
  raised(OpenAI.BadRequestError, create({ messages: [{ role: "user", content: "word ".repeat(400) }] }));

export async function rateLimited() {
  const { response } = await create({ max_completion_tokens: 1 }).withResponse();
  await create({ max_completion_tokens: 1 });
  await create({ max_completion_tokens: 1 });
  const error = await raised(OpenAI.RateLimitError, create({ max_completion_tokens: 1 }));
  return { first: Object.fromEntries(response.headers), error };
}

/** Tells the status of every response that its client gets to see. */
function watched(onStatus: (status: number) => void): OpenAI {
  return new OpenAI({
    ...settings,
    async fetch(input, init) {
      const response = await fetch(input, init);
      onStatus(response.status);
      return response;
    },
  });
}

// ── With the fake engine, which is slow on demand ──────────────────────────

const slow = { model: "fake", messages: [{ role: "user" as const, content: "slow:20" }] };

/** One stream is answered, and eight wait: that is all there is room for. */
const fillQueue = () =>
  Promise.all(Array.from({ length: 9 }, () => without.chat.completions.create({ ...slow, stream: true })));

export async function queueFull() {
  const streams = await fillQueue();
  const error = await raised(OpenAI.InternalServerError, without.chat.completions.create(slow));
  for (const stream of streams) stream.controller.abort();
  return error;
}

/** The client comes back by itself, and finds the queue empty. */
export async function retriesAfterQueueFull() {
  const streams = await fillQueue();
  const statuses: number[] = [];
  const client = watched((status) => {
    statuses.push(status);
    if (status === 503) for (const stream of streams) stream.controller.abort();
  });
  const startMs = performance.now();
  const answer = await client.chat.completions.create({ ...slow, max_completion_tokens: 5 });
  return { statuses, tokens: answer.usage?.completion_tokens, waitedMs: performance.now() - startMs };
}

/** The fake engine fails at formats: that will not be better the next time. */
export async function failsForGood() {
  const statuses: number[] = [];
  const client = watched((status) => statuses.push(status));
  const error = await raised(
    OpenAI.InternalServerError,
    client.chat.completions.create({ ...slow, response_format: { type: "json_object" } }),
  );
  return { statuses, error };
}

/** The client's error for an answer that fails at its tenth token. */
export async function failsHalfWay() {
  let chunks = 0;
  const messages = [{ role: "user" as const, content: "slow:20 break:10" }];
  const read = async () => {
    for await (const _ of await without.chat.completions.create({ ...slow, messages, stream: true })) chunks++;
  };
  return { error: await raised(OpenAI.APIError, read()), chunks };
}

/** Ways to stop. Each begins an answer without an end and says how the client told that it had stopped. */
export const stops = {
  async controller() {
    const stream = await openai.chat.completions.create({ ...slow, stream: true });
    let chunks = 0;
    for await (const _ of stream) if (++chunks === 4) stream.controller.abort();
    return "the loop ends";
  },

  async break() {
    const stream = await openai.chat.completions.create({ ...slow, stream: true });
    let chunks = 0;
    for await (const _ of stream) if (++chunks === 4) break;
    return "the loop ends";
  },

  async signal() {
    const abort = new AbortController();
    const stream = await openai.completions.create(
      { model: "fake", prompt: "slow:20", max_tokens: 5000, stream: true },
      { signal: abort.signal },
    );
    let chunks = 0;
    for await (const _ of stream) if (++chunks === 4) abort.abort();
    return "the loop ends";
  },

  /** Not a stream. The answer has begun, so it is the reading of it that ends, with the browser's own error. */
  async wholeAnswer() {
    const abort = new AbortController();
    const answer = openai.chat.completions.create(slow, { signal: abort.signal });
    while ((await (await fetch("/slots")).json())[0].next_token.n_decoded < 4);
    abort.abort();
    return answer.then(
      () => null,
      (cause: Error) => cause.name,
    );
  },
};

/** Given up before its turn: the client has not seen a response yet, and says so with an error of its own. */
export async function givenUpInTheQueue() {
  const stream = await openai.chat.completions.create({ ...slow, stream: true });
  const abort = new AbortController();
  const error = raised(OpenAI.APIUserAbortError, openai.chat.completions.create(slow, { signal: abort.signal }));
  while ((await (await fetch("/health")).json()).queue.waiting < 1);
  abort.abort();
  const { message } = (await error) ?? {};
  stream.controller.abort();
  return message;
}
