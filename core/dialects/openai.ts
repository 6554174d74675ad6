import * as v from "valibot";
import { type Dialect, route } from "../dialect.ts";
import type { Answer, Encoding } from "../encode/encoding.ts";
import { SSE, SSE_END, sseData } from "../encode/lines.ts";
import { createPlacing, scoreObject } from "../encode/scores.ts";
import { ERRORS, inWordsOf, VaultError } from "../errors.ts";
import * as f from "../fields.ts";
import { newRequest, UNLIMITED } from "../generate-request.ts";
import { findModel, isHere, type KnownModel, knownModels } from "../models.ts";
import type {
  ChatMessage,
  ErrorCode,
  GenerateRequest,
  OutputFormat,
  Prompt,
  Token,
  TokenScore,
  WireError,
} from "../protocol.ts";
import { parseSkip } from "../resume-route.ts";
import { type DoneEvent, usageOf } from "../usage.ts";

// Shapes: https://platform.openai.com/docs/api-reference

/** What both kinds of completion take. `null` is "not given". What of their documentation is not here: openai-fields.ts. */
const shared = {
  model: v.nullish(f.modelName),
  stream: v.nullish(f.flag),
  stream_options: v.nullish(f.must("an object", v.object({ include_usage: v.nullish(f.flag) }))),
  n: f.only(1),
  stop: v.nullish(f.stop),
  seed: v.nullish(f.anySeed),
  ...f.samplingFields,
  logit_bias: v.nullish(f.logitBias),
  response_format: v.nullish(
    f.must(
      'of type "text", "json_object", or "json_schema" with a json_schema',
      v.object({
        type: v.picklist(["text", "json_object", "json_schema"]),
        json_schema: v.nullish(v.object({ schema: v.nullish(f.jsonSchema) })),
      }),
    ),
  ),
};

const tokenIds = v.pipe(v.array(v.pipe(v.number(), v.integer(), v.minValue(0))), v.minLength(1));
const listOfOne = <T extends v.GenericSchema>(item: T) => v.pipe(v.array(item), v.length(1));
const CompletionBody = v.object({
  ...shared,
  prompt: f.must(
    "one prompt: a text, a list of token ids, or a list of one of these",
    v.union([f.nonEmptyText, tokenIds, listOfOne(f.nonEmptyText), listOfOne(tokenIds)]),
  ),
  max_tokens: v.nullish(f.wholeNumber(0, 1_000_000)),
  logprobs: v.nullish(f.wholeNumber(0, 20)),
  echo: v.nullish(f.flag),
  best_of: f.only(1),
  ...f.unsupported(["suffix"]),
});
type CompletionBody = v.InferOutput<typeof CompletionBody>;

const Text = v.object({ type: v.literal("text"), text: v.string() });
const Refusal = v.object({ type: v.literal("refusal"), refusal: v.string() });
const Message = v.object({
  role: v.picklist(["system", "developer", "user", "assistant"]),
  content: v.nullish(v.union([v.string(), v.array(v.union([Text, Refusal]))])),
  ...f.unsupported(["refusal", "tool_calls", "function_call", "audio"]),
});
const ChatBody = v.object({
  ...shared,
  messages: f.must(
    "a list of messages of role system, developer, user or assistant, with texts as content",
    v.pipe(v.array(Message), v.minLength(1)),
  ),
  max_tokens: v.nullish(f.wholeNumber(1, 1_000_000)),
  max_completion_tokens: v.nullish(f.wholeNumber(1, 1_000_000)),
  logprobs: v.nullish(f.flag),
  top_logprobs: v.nullish(f.wholeNumber(0, 20)),
  ...f.unsupported(["tools", "functions", "audio", "web_search_options", "moderation", "store"]),
  ...f.unsupported(["tool_choice", "function_call"], "none", "auto"),
  ...f.unsupported(["modalities"], "text"),
  ...f.unsupported(["reasoning_effort"], "none"),
  ...f.unsupported(["verbosity"], "medium"),
});
type ChatBody = v.InferOutput<typeof ChatBody>;

/** As of this API's first version. */
const DEFAULT_COMPLETION_TOKENS = 16;

const completionRequest = (body: CompletionBody): GenerateRequest =>
  newRequest(completionPrompt(body.prompt), {
    ...sharedRequest(body),
    maxNewTokens: body.max_tokens ?? DEFAULT_COMPLETION_TOKENS,
    logprobs: body.logprobs ?? null,
    echo: body.echo ?? false,
  });

function chatRequest(body: ChatBody): GenerateRequest {
  const { max_tokens, max_completion_tokens, logprobs, top_logprobs } = body;
  f.refuseIf(top_logprobs && !logprobs, "top_logprobs", "needs logprobs: true.");
  f.refuseIf(
    max_tokens && max_completion_tokens && max_tokens !== max_completion_tokens,
    "max_tokens",
    "is not max_completion_tokens. Send one of them.",
  );
  return newRequest(
    { type: "chat", messages: body.messages.map(chatMessage), instruction: false },
    {
      ...sharedRequest(body),
      maxNewTokens: max_completion_tokens ?? max_tokens ?? UNLIMITED,
      logprobs: logprobs ? (top_logprobs ?? 0) : null,
    },
  );
}

function sharedRequest(body: CompletionBody | ChatBody): Partial<GenerateRequest> {
  f.refuseIf(body.stream_options && !body.stream, "stream_options", "needs stream: true.");
  return {
    model: body.model ?? null,
    sampling: f.samplingOf(body),
    stop: f.stopList(body.stop),
    seed: f.seedOf(body.seed),
    format: formatOf(body.response_format),
  };
}

function formatOf(wanted: ChatBody["response_format"]): OutputFormat | null {
  if (wanted?.type === "json_object") return { type: "json" };
  if (wanted?.type !== "json_schema") return null;
  f.refuseIf(!wanted.json_schema, "response_format", "needs a json_schema.");
  const schema = wanted.json_schema?.schema;
  return schema ? { type: "schema", schema } : { type: "json" };
}

function completionPrompt(prompt: CompletionBody["prompt"]): Prompt {
  const one = typeof prompt === "string" || typeof prompt[0] === "number" ? prompt : prompt[0];
  return typeof one === "string" ? { type: "text", text: one } : { type: "tokens", tokenIds: one as number[] };
}

function chatMessage({ role, content }: v.InferOutput<typeof Message>, index: number): ChatMessage {
  const isOwn = role === "assistant";
  const parts = typeof content === "string" ? [] : (content ?? []);
  const field = `messages.${index}.content`;
  f.refuseIf(content == null && !isOwn, field, "is missing.");
  f.refuseIf(!isOwn && parts.some(({ type }) => type === "refusal"), field, "must be text: only an assistant refuses.");
  const said = parts.map((part) => (part.type === "text" ? part.text : part.refusal)).join("");
  const text = typeof content === "string" ? content : said;
  return { role: role === "developer" ? "system" : role, content: text };
}

// ── Answers ────────────────────────────────────────────────────────────────

const head = ({ exchange, start }: Answer) => ({
  created: Math.floor(exchange.arrivedMs / 1000),
  model: start.model,
  system_fingerprint: `minivault-${start.device}`,
});

const usage = ({ start }: Answer, done: DoneEvent) => ({
  ...usageOf(start.promptTokens, done.newTokens),
  prompt_tokens_details: { cached_tokens: 0 },
});

const chatLogprobs = (scores: readonly TokenScore[]) => ({ content: scores.map(scoreObject), refusal: null });

export const chatCompletion = (answer: Answer, done: DoneEvent) => ({
  id: `chatcmpl-${answer.exchange.id}`,
  object: "chat.completion" as const,
  ...head(answer),
  choices: [
    {
      index: 0,
      message: { role: "assistant" as const, content: answer.text, refusal: null },
      logprobs: answer.scores.length > 0 ? chatLogprobs(answer.scores) : null,
      finish_reason: done.finishReason,
    },
  ],
  usage: usage(answer, done),
});

interface Delta {
  readonly role?: "assistant";
  readonly content?: string;
}

export const chatChunk = (answer: Answer, delta: Delta, score: TokenScore | null, end: DoneEvent | null) => ({
  id: `chatcmpl-${answer.exchange.id}`,
  object: "chat.completion.chunk" as const,
  ...head(answer),
  choices: [
    { index: 0, delta, logprobs: score ? chatLogprobs([score]) : null, finish_reason: end?.finishReason ?? null },
  ],
});

/** Half a character has no name; its bytes have. */
const tokenName = ({ text, bytes }: Token): string =>
  text.includes("\uFFFD") ? `bytes:${bytes.map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("")}` : text;

function completionLogprobs(scores: readonly TokenScore[]) {
  return {
    tokens: scores.map(tokenName),
    token_logprobs: scores.map(({ logprob }) => logprob as number),
    top_logprobs: scores.map(({ top }) => Object.fromEntries(top.map((one) => [tokenName(one), one.logprob]))),
    text_offset: scores.map(({ offset }) => offset),
  };
}

/** A completion or a chunk of one: they only differ in how much they say. */
export const completion = (answer: Answer, text: string, scores: readonly TokenScore[], done: DoneEvent | null) => ({
  id: `cmpl-${answer.exchange.id}`,
  object: "text_completion" as const,
  ...head(answer),
  choices: [
    {
      index: 0,
      text,
      logprobs: scores.length > 0 ? completionLogprobs(scores) : null,
      // Their type has no `null`, their streams have.
      finish_reason: (done?.finishReason ?? null) as "stop" | "length",
    },
  ],
});

/** With `include_usage` every chunk has the field, and one more chunk without choices has the figures. */
function chunks(body: CompletionBody | ChatBody) {
  const reportsUsage = body.stream_options?.include_usage ?? false;
  return {
    write: (chunk: object) => sseData(reportsUsage ? { ...chunk, usage: null } : chunk),
    end: (chunk: object, answer: Answer, done: DoneEvent) =>
      (reportsUsage ? sseData({ ...chunk, choices: [], usage: usage(answer, done) }) : "") + SSE_END,
  };
}

function chatEncoding(body: ChatBody): Encoding {
  if (!body.stream) return whole((done, answer) => chatCompletion(answer, done));
  const { write, end } = chunks(body);
  return {
    ...streamed,
    start: (answer) => write(chatChunk(answer, { role: "assistant", content: "" }, null, null)),
    token: ({ text, score }, answer) => write(chatChunk(answer, { content: text }, score, null)),
    done: (done, answer) => {
      const last = chatChunk(answer, done.text ? { content: done.text } : {}, null, done);
      return write(last) + end(last, answer, done);
    },
  };
}

function completionEncoding(body: CompletionBody): Encoding {
  const place = createPlacing();
  const part = (answer: Answer, text: string, scores: readonly TokenScore[], done: DoneEvent | null) =>
    completion(answer, text, place(text, scores, done !== null), done);
  const echoed = ({ start }: Answer) => ({ text: start.echo?.text ?? "", scores: start.echo?.tokens ?? [] });
  if (!body.stream) {
    return whole((done, answer) => {
      const { text, scores } = echoed(answer);
      return {
        ...part(answer, text + answer.text, [...scores, ...answer.scores], done),
        usage: usage(answer, done),
      };
    });
  }
  const { write, end } = chunks(body);
  return {
    ...streamed,
    start: (answer) => {
      const { text, scores } = echoed(answer);
      return text ? write(part(answer, text, scores, null)) : "";
    },
    token: ({ text, score }, answer) => write(part(answer, text, score ? [score] : [], null)),
    done: (done, answer) => {
      const last = part(answer, done.text, [], done);
      return write(last) + end(last, answer, done);
    },
  };
}

const whole = (body: (done: DoneEvent, answer: Answer) => object): Encoding => ({
  mediaType: "application/json",
  streams: false,
  done: (done, answer) => JSON.stringify(body(done, answer)),
});

const streamed = { mediaType: SSE, streams: true, error: (error: WireError) => sseData(errorBody(error, null)) };

/** `status` as llama.cpp's router has it. */
export const modelObject = (model: KnownModel) => ({
  id: model.name,
  object: "model" as const,
  created: Math.floor((model.card?.loadedMs ?? 0) / 1000),
  owned_by: "minivault",
  status: { value: model.loaded ? "loaded" : isHere(model) ? "unloaded" : model.listed.files.state },
});

/** Codes that their clients look for; the others are ours. https://platform.openai.com/docs/guides/error-codes */
const CODES: Partial<Record<ErrorCode, string>> = {
  "prompt-too-long": "context_length_exceeded",
  "rate-limited": "rate_limit_exceeded",
};

/** Clients shorten a prompt and ask again when they see this. */
const asTooLong = (field: string) =>
  inWordsOf("prompt-too-long", "This model's maximum context length is exceeded.", { field, status: 400 });

function errorBody({ code, detail }: WireError, param: string | null) {
  const { status } = ERRORS[code];
  const type = status === 429 ? "rate_limit_error" : status >= 500 ? "server_error" : "invalid_request_error";
  return { error: { message: detail, type, param, code: CODES[code] ?? code.replaceAll("-", "_") } };
}

function conversationOf({ searchParams }: URL): string {
  const id = searchParams.get("conv_id");
  if (id) return id;
  throw new VaultError("bad-request", "conv_id is missing. Send the X-Conversation-Id of the stream.", {
    field: "conv_id",
  });
}

// ── Routes ─────────────────────────────────────────────────────────────────

const QUESTION = [{ role: "user", content: "What model are you?" }];
const CITY = {
  name: "city",
  strict: true,
  schema: { type: "object", properties: { name: { type: "string" } }, required: ["name"], additionalProperties: false },
};

export const openai: Dialect = {
  name: "openai",
  title: "OpenAI",
  prefix: "/v1/",
  routes: [
    route({
      method: "POST",
      path: "/v1/chat/completions",
      summary: "OpenAI's chat completions",
      body: ChatBody,
      examples: {
        question: { model: "minivault-demo", messages: QUESTION },
        "a stream": { messages: QUESTION, stream: true, stream_options: { include_usage: true } },
        "a JSON Schema": {
          messages: QUESTION,
          max_tokens: 40,
          response_format: { type: "json_schema", json_schema: CITY },
        },
      },
      mediaTypes: ["application/json", SSE],
      answer: ({ body, exchange }, vault) =>
        vault.generate(chatRequest(body), chatEncoding(body), exchange).catch(asTooLong("messages")),
    }),
    route({
      method: "POST",
      path: "/v1/completions",
      summary: "OpenAI's completions: the prompt goes on, without a chat template",
      body: CompletionBody,
      examples: {
        story: { prompt: "Once upon a time", max_tokens: 12 },
        "log-probabilities": {
          prompt: "Q: What is the capital of France?\nA:",
          logprobs: 2,
          echo: true,
          max_tokens: 4,
        },
      },
      mediaTypes: ["application/json", SSE],
      answer: ({ body, exchange }, vault) =>
        vault.generate(completionRequest(body), completionEncoding(body), exchange).catch(asTooLong("prompt")),
    }),
    route({
      method: "GET",
      path: "/v1/stream",
      summary: "llama.cpp's: a stream goes on after so many bytes, or after the event of Last-Event-ID",
      parameters: [
        {
          name: "conv_id",
          in: "query",
          about: "The X-Conversation-Id or x-request-id of the stream, kept for 5 minutes",
          example: "my-conversation",
        },
        { name: "from", in: "query", about: "Bytes that the client has, comments not counted", example: "0" },
      ],
      mediaTypes: [SSE],
      answer: (call, vault) => vault.resume(conversationOf(call.url), parseSkip(call), call.request),
    }),
    route({
      method: "GET",
      path: "/v1/models",
      summary: "The models that a request may name",
      mediaTypes: ["application/json"],
      answer: async (_, { engine }) =>
        Response.json({ object: "list", data: (await knownModels(engine)).map(modelObject) }),
    }),
    route({
      method: "GET",
      path: "/v1/models/:id{.+}",
      parameters: [{ name: "id", in: "path", about: "Of the model", example: "minivault-demo" }],
      summary: "One of them",
      mediaTypes: ["application/json"],
      answer: async ({ parameter }, { engine }) => Response.json(modelObject(await findModel(engine, parameter))),
    }),
  ],
  error: (error) => ({
    mediaType: "application/json",
    body: errorBody(error.toWire(), error.field),
    // Their clients try every 5xx again: a hard failure would only be heard of later.
    headers: error.status === 500 ? { "x-should-retry": "false" } : {},
  }),
};
