import * as v from "valibot";
import { PATIENCE } from "../admission.ts";
import { awaitFirst } from "../await-first.ts";
import { type Dialect, route, type Vault } from "../dialect.ts";
import { durationMs } from "../duration.ts";
import type { Answer, Encoding } from "../encode/encoding.ts";
import { jsonLine, NDJSON } from "../encode/lines.ts";
import { scoreObject } from "../encode/scores.ts";
import { asVaultError, inWordsOf, VaultError } from "../errors.ts";
import * as f from "../fields.ts";
import { fromGenerator } from "../from-generator.ts";
import { newRequest, UNLIMITED } from "../generate-request.ts";
import { findModel, isHere, type KnownModel, knownModels, sizeOf } from "../models.ts";
import type { ChatMessage, Engine, GenerateRequest, ListedModel, TokenScore } from "../protocol.ts";
import type { DoneEvent } from "../usage.ts";
import { VERSION } from "../version.ts";
import { within } from "../within.ts";

// Shapes: https://github.com/ollama/ollama/blob/main/docs/api.md

/** Options that choose tokens. Those that tune a native runtime have no effect here: ollama-fields.ts. */
const Options = v.object({
  ...f.samplingFields,
  repeat_penalty: v.nullish(f.aboveZero(100)),
  repeat_last_n: v.nullish(f.wholeNumber(-1, 1_000_000)),
  mirostat: f.only(0),
  tfs_z: f.only(1),
  penalize_newline: f.only(true),
  num_predict: v.nullish(f.wholeNumber(-2, 1_000_000)),
  seed: v.nullish(f.anySeed),
  stop: v.nullish(f.stop),
});

const shared = {
  model: f.modelName,
  stream: v.nullish(f.flag),
  options: v.nullish(f.must("an object", Options)),
  format: v.nullish(f.format),
  keep_alive: v.nullish(f.duration),
  logprobs: v.nullish(f.flag),
  top_logprobs: v.nullish(f.wholeNumber(0, 20)),
  ...f.unsupported(["think", "_debug_render_only"]),
};

const GenerateBody = v.object({
  ...shared,
  prompt: v.nullish(f.text),
  system: v.nullish(f.text),
  raw: v.nullish(f.flag),
  ...f.unsupported(["suffix", "template", "context", "images"]),
});
type GenerateBody = v.InferOutput<typeof GenerateBody>;

const ChatBody = v.object({
  ...shared,
  messages: v.nullish(
    f.must(
      "a list of messages of role system, user or assistant, with texts as content",
      v.array(
        v.object({
          role: v.picklist(["system", "user", "assistant"]),
          content: v.string(),
          ...f.unsupported(["images", "tool_calls"]),
        }),
      ),
    ),
  ),
  ...f.unsupported(["tools"]),
});
type ChatBody = v.InferOutput<typeof ChatBody>;

/** Their clients send either. */
const NamedBody = v.object({ model: v.nullish(f.modelName), name: v.nullish(f.modelName) });
const ShowBody = v.object({
  ...NamedBody.entries,
  ...f.unsupported(["system", "template", "options"]),
});
const PullBody = v.object({ ...NamedBody.entries, stream: v.nullish(f.flag) });
type PullBody = v.InferOutput<typeof PullBody>;

const nameOf = ({ model, name }: v.InferOutput<typeof NamedBody>): string => {
  const given = model ?? name;
  if (given) return untagged(given);
  throw new VaultError("bad-request", "model is missing: see /docs for what a body needs.", { field: "model" });
};

/** `minivault-demo:latest` is `minivault-demo`: there are no other tags. */
const untagged = (name: string): string => name.replace(/:latest$/, "");
const tagged = (name: string): string => (name.includes(":") ? name : `${name}:latest`);

const findNamed = (engine: Engine, body: v.InferOutput<typeof NamedBody>): Promise<KnownModel> => {
  const name = nameOf(body);
  return findModel(engine, name).catch(asNotFound(name));
};

const generateRequest = (body: GenerateBody): GenerateRequest => {
  const prompt = body.prompt ?? "";
  f.refuseIf(body.raw && body.system, "system", "is for the template, which raw leaves out. Put it into the prompt.");
  if (body.raw) return newRequest({ type: "text", text: prompt }, sharedRequest(body));
  const system: ChatMessage[] = body.system ? [{ role: "system", content: body.system }] : [];
  const messages = [...system, { role: "user" as const, content: prompt }];
  return newRequest({ type: "chat", messages, instruction: true }, sharedRequest(body));
};

const chatRequest = (body: ChatBody): GenerateRequest => {
  const messages = (body.messages ?? []).map(({ role, content }) => ({ role, content }));
  return newRequest({ type: "chat", messages, instruction: false }, sharedRequest(body));
};

function sharedRequest(body: GenerateBody | ChatBody): Partial<GenerateRequest> {
  f.refuseIf(body.top_logprobs && !body.logprobs, "top_logprobs", "needs logprobs: true.");
  const { num_predict = -1, seed, stop, repeat_penalty, ...options } = body.options ?? {};
  return {
    model: untagged(body.model),
    maxNewTokens: num_predict === null || num_predict < 0 ? UNLIMITED : num_predict,
    sampling: f.samplingOf({ ...options, repetition_penalty: repeat_penalty }),
    stop: f.stopList(stop),
    seed: seed === -1 ? null : f.seedOf(seed),
    format: f.formatOf(body.format),
    logprobs: body.logprobs ? (body.top_logprobs ?? 0) : null,
    keepAliveMs: durationMs(body.keep_alive),
  };
}

// ── Answers ────────────────────────────────────────────────────────────────

const head = (model: string) => ({ model, created_at: new Date().toISOString() });

const nanoseconds = (ms: number): number => Math.max(0, Math.round(ms * 1e6));

/** `load_duration`: the wait for a turn and for the model, which is loaded before that. */
const statistics = ({ exchange, start }: Answer, done: DoneEvent, nowMs: number) => ({
  total_duration: nanoseconds(nowMs - exchange.arrivedMs),
  load_duration: nanoseconds(exchange.queueMs ?? 0),
  prompt_eval_count: start.promptTokens,
  prompt_eval_duration: nanoseconds(start.prefillMs),
  eval_count: done.newTokens,
  eval_duration: nanoseconds(done.decodeMs),
});

const logprobs = (scores: readonly TokenScore[]) => (scores.length > 0 ? { logprobs: scores.map(scoreObject) } : {});

/** Where the text goes: the two routes differ in nothing else. */
type Place = (text: string) => object;
export const inResponse = (response: string) => ({ response });
export const inMessage = (content: string) => ({ message: { role: "assistant", content } });

/** A line of a stream, but its last. */
export const piece = <Placed extends object>(model: string, placed: Placed, scores: readonly TokenScore[]) => ({
  ...head(model),
  ...placed,
  ...logprobs(scores),
  done: false,
});

/** The last line of a stream, or one JSON. */
export const ending = <Placed extends object>(
  model: string,
  placed: Placed,
  scores: readonly TokenScore[],
  answer: Answer,
  done: DoneEvent,
  nowMs: number,
) => ({
  ...piece(model, placed, scores),
  done: true,
  done_reason: done.finishReason,
  ...statistics(answer, done, nowMs),
});

function encoding({ model, stream }: GenerateBody | ChatBody, place: Place, now: () => number): Encoding {
  if (stream === false) {
    return {
      mediaType: "application/json",
      streams: false,
      done: (done, answer) => JSON.stringify(ending(model, place(answer.text), answer.scores, answer, done, now())),
    };
  }
  return {
    mediaType: NDJSON,
    streams: true,
    token: ({ text, score }) => jsonLine(piece(model, place(text), score ? [score] : [])),
    done: (done, answer) =>
      (done.text ? jsonLine(piece(model, place(done.text), [])) : "") +
      jsonLine(ending(model, place(""), [], answer, done, now())),
    error: ({ detail }) => jsonLine({ error: detail }),
  };
}

/** A request without anything to say loads the model; with `keep_alive: 0` it unloads it. */
async function loadOrUnload(body: GenerateBody | ChatBody, place: Place, { engine }: Vault): Promise<Response> {
  const keepAliveMs = durationMs(body.keep_alive);
  const unloads = keepAliveMs === 0;
  if (unloads) await engine.unload(untagged(body.model));
  else await engine.load(untagged(body.model), keepAliveMs);
  const said = { ...head(body.model), ...place(""), done: true, done_reason: unloads ? "unload" : "load" };
  return Response.json(said, { headers: { "cache-control": "no-store" } }); // one JSON, also where a stream was asked for
}

/** Their clients pull a model when they see this. */
const asNotFound = (model: string) => inWordsOf("model-not-found", `model '${model}' not found:`, { field: "model" });

const details = ({ card, listed }: KnownModel) => ({
  parent_model: "",
  format: "onnx",
  family: card?.family ?? "",
  families: card?.family ? [card.family] : [],
  parameter_size: listed.parameters,
  quantization_level: card?.precision ?? "",
});

export const listed = (model: KnownModel) => ({
  name: tagged(model.name),
  model: tagged(model.name),
  modified_at: new Date(model.card?.loadedMs ?? 0).toISOString(),
  size: sizeOf(model),
  digest: model.card?.digest ?? "",
  details: details(model),
});

/** What their server says of a model that is never unloaded. */
const NEVER = "2318-01-01T00:00:00Z";

export const running = (model: KnownModel) => ({
  ...listed(model),
  expires_at: model.expiresMs === null ? NEVER : new Date(model.expiresMs).toISOString(),
  size_vram: model.onGpu ? sizeOf(model) : 0,
  context_length: model.card?.contextTokens ?? 0,
});

export const shown = (model: KnownModel) => {
  const { name, card, listed } = model;
  const family = card?.family ?? "";
  return {
    modelfile: `FROM ${name}\n`,
    parameters: `temperature ${card?.defaults.temperature ?? 0}`,
    template: card?.chatTemplate ?? "",
    license: listed.licence,
    details: details(model),
    model_info: {
      "general.architecture": family,
      [`${family}.context_length`]: card?.contextTokens ?? listed.contextTokens ?? 0,
      [`${family}.vocab_size`]: card?.vocabularySize ?? 0,
    },
    capabilities: ["completion"],
    modified_at: new Date(card?.loadedMs ?? 0).toISOString(),
  };
};

/** All files of a model are one layer to us. */
export const pulling = ({ name, files }: ListedModel) => {
  if (files.state !== "downloading") return { status: "pulling manifest" };
  const status = files.retrying ? `trying again: ${files.retrying}` : `pulling ${name}`;
  return { status, digest: name, total: files.totalBytes, completed: files.loadedBytes };
};
const SUCCESS = { status: "success" };

/** A stream that ends with a last word instead of an error. */
const errorAsLast = <T>(stream: ReadableStream<T>, word: (cause: unknown) => T): ReadableStream<T> => {
  async function* values() {
    const reader = stream.getReader();
    try {
      for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
    } catch (cause) {
      yield word(cause);
    } finally {
      await reader.cancel().catch(() => {});
    }
  }
  return fromGenerator(values());
};

/** A line for every step; leaving it pauses the download, and asking again goes on with it. */
class PullLines extends TransformStream<ListedModel, string> {
  constructor() {
    super({
      transform: (step, out) => out.enqueue(jsonLine(pulling(step))),
      flush: (out) => out.enqueue(jsonLine(SUCCESS)),
    });
  }
}

async function pull({ model, name, stream }: PullBody, { pulls }: Vault): Promise<Response> {
  const steps = await awaitFirst(pulls.watch(nameOf({ model, name }))); // what is refused at once has a status
  if (stream === false) {
    await within(steps.pipeTo(new WritableStream()), PATIENCE.answerMs, async () => SLOW_PULL);
    return Response.json(SUCCESS);
  }
  const lines = errorAsLast(steps.pipeThrough(new PullLines()), (cause) =>
    jsonLine({ error: asVaultError(cause).message }),
  );
  return new Response(lines.pipeThrough(new TextEncoderStream()), {
    headers: { "content-type": NDJSON, "cache-control": "no-store" },
  });
}

const SLOW_PULL = new VaultError(
  "timeout",
  "The download goes on, and takes longer than one answer may. Ask again, or for a stream.",
);

export const version = () => ({ version: VERSION });

/** A browser that opens the page accepts HTML as well, and a bare `fetch` anything. */
export const wantsPlainText = (request: Request): boolean =>
  /^\s*text\/plain\b/i.test(request.headers.get("accept") ?? "");

// ── Routes ─────────────────────────────────────────────────────────────────

const MODEL = "minivault-demo";
const QUESTION = [{ role: "user", content: "What model are you?" }];

export const ollama: Dialect = {
  name: "ollama",
  title: "Ollama",
  prefix: "/api/",
  routes: [
    route({
      method: "POST",
      path: "/api/generate",
      summary: "Ollama's generate; without a prompt it loads the model, or with keep_alive 0 unloads it",
      body: GenerateBody,
      examples: {
        story: { model: MODEL, prompt: "Once upon a time", raw: true, options: { num_predict: 16 } },
        "one JSON": { model: MODEL, prompt: "What model are you?", stream: false },
        load: { model: MODEL, keep_alive: "5m" },
      },
      mediaTypes: [NDJSON, "application/json"],
      answer: ({ body, exchange }, vault) =>
        (body.prompt
          ? vault.generate(generateRequest(body), encoding(body, inResponse, vault.now), exchange)
          : loadOrUnload(body, inResponse, vault)
        ).catch(asNotFound(body.model)),
    }),
    route({
      method: "POST",
      path: "/api/chat",
      summary: "Ollama's chat; without messages it loads the model, or with keep_alive 0 unloads it",
      body: ChatBody,
      examples: { question: { model: MODEL, messages: QUESTION } },
      mediaTypes: [NDJSON, "application/json"],
      answer: ({ body, exchange }, vault) =>
        (body.messages?.length
          ? vault.generate(chatRequest(body), encoding(body, inMessage, vault.now), exchange)
          : loadOrUnload(body, inMessage, vault)
        ).catch(asNotFound(body.model)),
    }),
    route({
      method: "GET",
      path: "/api/tags",
      summary: "The models that are here",
      mediaTypes: ["application/json"],
      answer: async (_, { engine }) =>
        Response.json({ models: (await knownModels(engine)).filter(isHere).map(listed) }),
    }),
    route({
      method: "POST",
      path: "/api/show",
      summary: "One of them in detail",
      body: ShowBody,
      examples: { demo: { model: MODEL } },
      mediaTypes: ["application/json"],
      answer: async ({ body }, { engine }) => Response.json(shown(await findNamed(engine, body))),
    }),
    route({
      method: "POST",
      path: "/api/pull",
      summary: "Downloads a model; aborting pauses, and asking again goes on where it stopped",
      body: PullBody,
      examples: { demo: { model: MODEL } },
      mediaTypes: [NDJSON, "application/json"],
      answer: ({ body }, vault) => pull(body, vault),
    }),
    route({
      method: "DELETE",
      path: "/api/delete",
      summary: "Deletes a model's files, also those of a download that is not whole",
      body: NamedBody,
      examples: { gpt2: { model: "gpt2" } },
      mediaTypes: [],
      answer: async ({ body }, { engine }) => {
        const { name } = await findNamed(engine, body);
        await engine.remove(name);
        return new Response();
      },
    }),
    route({
      method: "GET",
      path: "/api/ps",
      summary: "The models that are loaded",
      mediaTypes: ["application/json"],
      answer: async (_, { engine }) =>
        Response.json({ models: (await knownModels(engine)).filter(({ loaded }) => loaded).map(running) }),
    }),
    route({
      method: "GET",
      path: "/api/version",
      summary: "The version of this API",
      mediaTypes: ["application/json"],
      answer: () => Response.json(version()),
    }),
    route({
      method: "GET",
      path: "/",
      summary: "Ollama's sign of life, for those who ask for text/plain and nothing else; others get the page",
      mediaTypes: ["text/plain"],
      hidden: true, // it is the page's path
      answer: ({ request, url }) => {
        if (wantsPlainText(request)) return new Response("Ollama is running");
        throw new VaultError(
          "not-found",
          `There is no page at ${url.pathname} here. Send Accept: text/plain, or see /docs.`,
        );
      },
    }),
  ],
  error: (error) => ({ mediaType: "application/json", body: { error: error.message } }),
};
