import type {
  ChatRequest,
  ChatResponse,
  DeleteRequest,
  GenerateRequest,
  GenerateResponse,
  ListResponse,
  Message,
  Options,
  ProgressResponse,
  PullRequest,
  ShowRequest,
  ShowResponse,
  VersionResponse,
} from "ollama";
import type OpenAI from "openai";
import { expectTypeOf, test } from "vitest";
import * as ollama from "../../core/dialects/ollama.ts";
import type * as ollamaFields from "../../core/dialects/ollama-fields.ts";
import * as openai from "../../core/dialects/openai.ts";
import type * as openaiFields from "../../core/dialects/openai-fields.ts";

/** The compiler is what tests here: where an answer's type is not its client's, `tsc` fails. */

test("what the OpenAI dialect writes has the types of OpenAI's client", () => {
  expectTypeOf(openai.chatCompletion).returns.toExtend<OpenAI.Chat.Completions.ChatCompletion>();
  expectTypeOf(openai.chatChunk).returns.toExtend<OpenAI.Chat.Completions.ChatCompletionChunk>();
  expectTypeOf(openai.completion).returns.toExtend<OpenAI.Completions.Completion>();
  expectTypeOf(openai.modelObject).returns.toExtend<OpenAI.Models.Model>();
});

/**
 * What comes over the wire of a type of Ollama's client. That parses JSON and does no more, so a `Date` of its types is
 * a text in truth, from Ollama's own server too, and a `Map` is an object.
 */
type Wire<T> = {
  [Key in keyof T]: T[Key] extends Date
    ? string
    : T[Key] extends Map<string, infer Value>
      ? Record<string, Value>
      : T[Key];
};

/** The tokens of the conversation so far, from the days before `chat`: there is nothing to put there. */
type Obsolete = "context";

/** Their types have one shape for all parts of a stream. Their server puts these into the last part only. */
type OfTheLast =
  | "done_reason"
  | "total_duration"
  | "load_duration"
  | "prompt_eval_count"
  | "prompt_eval_duration"
  | "eval_count"
  | "eval_duration";

test("what the Ollama dialect says has the types of Ollama's client", () => {
  const { piece, ending, inResponse, inMessage } = ollama;
  type Generated = Wire<Omit<GenerateResponse, Obsolete>>;
  expectTypeOf(ending<ReturnType<typeof inResponse>>).returns.toExtend<Generated>();
  expectTypeOf(piece<ReturnType<typeof inResponse>>).returns.toExtend<Omit<Generated, OfTheLast>>();
  expectTypeOf(ending<ReturnType<typeof inMessage>>).returns.toExtend<Wire<ChatResponse>>();
  expectTypeOf(piece<ReturnType<typeof inMessage>>).returns.toExtend<Wire<Omit<ChatResponse, OfTheLast>>>();
});

type Listed = ListResponse["models"][number];

/** `ps` and `list` share a type in their client, but only what runs expires and takes memory. */
type OfTheRunning = "expires_at" | "size_vram";

/** Of models that were made from a Modelfile; their server omits what is empty. */
type OfModelfiles = "system" | "messages";

/** Lines that do not count bytes leave these out, theirs too. */
type OfSteps<T extends ProgressResponse> = Pick<T, "status"> & Partial<T>;

test("what the Ollama dialect says of models has the types of Ollama's client", () => {
  expectTypeOf(ollama.listed).returns.toExtend<Wire<Omit<Listed, OfTheRunning>>>();
  expectTypeOf(ollama.running).returns.toExtend<Wire<Listed>>();
  expectTypeOf(ollama.shown).returns.toExtend<Wire<Omit<ShowResponse, OfModelfiles>>>();
  expectTypeOf(ollama.pulling).returns.toExtend<OfSteps<ProgressResponse>>();
  expectTypeOf(ollama.version).returns.toExtend<VersionResponse>();
});

type Chat = OpenAI.Chat.Completions.ChatCompletionCreateParams;
type KeysOfAny<T> = T extends unknown ? keyof T : never;

test("what becomes of a field is told of all that OpenAI's client can send", () => {
  type Told = keyof typeof openaiFields.CHAT_FIELDS;
  expectTypeOf<KeysOfAny<Chat>>().toExtend<Told>();
  expectTypeOf<`messages.${KeysOfAny<OpenAI.Chat.Completions.ChatCompletionMessageParam>}`>().toExtend<Told>();
  expectTypeOf<`stream_options.${keyof OpenAI.Chat.Completions.ChatCompletionStreamOptions}`>().toExtend<Told>();
  expectTypeOf<`messages.content.${keyof OpenAI.Chat.Completions.ChatCompletionContentPartText}`>().toExtend<Told>();
  expectTypeOf<`response_format.${KeysOfAny<NonNullable<Chat["response_format"]>>}`>().toExtend<Told>();
  type Schema = keyof OpenAI.ResponseFormatJSONSchema["json_schema"];
  expectTypeOf<`response_format.json_schema.${Schema}`>().toExtend<Told>();
  type Completion = OpenAI.Completions.CompletionCreateParams;
  expectTypeOf<KeysOfAny<Completion>>().toExtend<keyof typeof openaiFields.COMPLETION_FIELDS>();
});

test("what becomes of a field is told of all that Ollama's client can send", () => {
  type Generate = keyof typeof ollamaFields.GENERATE_FIELDS;
  type Chat = keyof typeof ollamaFields.CHAT_FIELDS;
  expectTypeOf<keyof GenerateRequest>().toExtend<Generate>();
  expectTypeOf<keyof ChatRequest>().toExtend<Chat>();
  expectTypeOf<`messages.${keyof Message}`>().toExtend<Chat>();
  expectTypeOf<`options.${keyof Options}`>().toExtend<Generate & Chat>();
  expectTypeOf<keyof ShowRequest>().toExtend<keyof typeof ollamaFields.SHOW_FIELDS>();
  expectTypeOf<keyof PullRequest>().toExtend<keyof typeof ollamaFields.PULL_FIELDS>();
  expectTypeOf<keyof DeleteRequest>().toExtend<keyof typeof ollamaFields.DELETE_FIELDS>();
});
