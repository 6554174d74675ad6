import * as v from "valibot";
import { type Dialect, route } from "../dialect.ts";
import type { Answer, Encoding } from "../encode/encoding.ts";
import { jsonLine, NDJSON, SSE, SSE_END, sseData } from "../encode/lines.ts";
import { problemDetails } from "../errors.ts";
import {
  aboveZero,
  flag,
  format,
  formatOf,
  logitBias,
  modelName,
  nonEmptyText,
  parseBody,
  samplingFields,
  samplingOf,
  stop,
  stopList,
  wholeNumber,
} from "../fields.ts";
import { newRequest } from "../generate-request.ts";
import { LOG_ROUTES } from "../log/log-routes.ts";
import { findModel, type KnownModel, knownModels } from "../models.ts";
import type { GenerateRequest } from "../protocol.ts";
import { parseSkip } from "../resume-route.ts";
import { type DoneEvent, timingsOf, usageOf } from "../usage.ts";

const DEFAULT_NEW_TOKENS = 128;

/** Unknown fields are ignored, `null` is "not given". */
const GenerateBody = v.object({
  prompt: nonEmptyText,
  stream: v.nullish(flag),
  model: v.nullish(modelName),
  max_new_tokens: v.nullish(wholeNumber(1, 1_000_000)),
  ...samplingFields,
  repetition_penalty: v.nullish(aboveZero(100)),
  repeat_last_n: v.nullish(wholeNumber(-1, 1_000_000)),
  logit_bias: v.nullish(logitBias),
  stop: v.nullish(stop),
  seed: v.nullish(wholeNumber(0, Number.MAX_SAFE_INTEGER)),
  format: v.nullish(format),
});
type GenerateBody = v.InferOutput<typeof GenerateBody>;
/** Only `prompt` is needed. */
export type GenerateInput = v.InferInput<typeof GenerateBody>;

const toRequest = (body: GenerateBody): GenerateRequest =>
  newRequest(
    { type: "text", text: body.prompt },
    {
      model: body.model ?? null,
      maxNewTokens: body.max_new_tokens ?? DEFAULT_NEW_TOKENS,
      sampling: samplingOf(body),
      stop: stopList(body.stop),
      seed: body.seed ?? null,
      format: formatOf(body.format),
    },
  );

export const parseGenerateBody = (body: unknown): GenerateRequest => toRequest(parseBody(GenerateBody, body));

/** Fields of a finished answer, in every encoding but the bare text. */
const fieldsOf = (done: DoneEvent, { start, exchange }: Answer) => ({
  usage: usageOf(start.promptTokens, done.newTokens),
  model: start.model,
  id: exchange.id,
  finish_reason: done.finishReason,
  timings: timingsOf(start, done, exchange.queueMs ?? 0),
});

const json: Encoding = {
  mediaType: "application/json",
  streams: false,
  done: (done, answer) =>
    JSON.stringify({ response: answer.text, ...fieldsOf(done, answer), generated_at: new Date().toISOString() }),
};

/** `{"token", "index"}` each, usage on the last, then `[DONE]`. */
const sse: Encoding = {
  mediaType: SSE,
  streams: true,
  token: ({ text, index }) => sseData({ token: text, index }),
  done: (done, answer) => sseData({ token: done.text, index: done.newTokens, ...fieldsOf(done, answer) }) + SSE_END,
  error: (error) => `event: error\n${sseData({ error: problemDetails(error) })}`,
};

/** `{"response"}` each, `"done": true` on the last. */
const ndjson: Encoding = {
  mediaType: NDJSON,
  streams: true,
  token: ({ text }) => jsonLine({ response: text }),
  done: (done, answer) =>
    (done.text ? jsonLine({ response: done.text }) : "") +
    jsonLine({ response: "", done: true, ...fieldsOf(done, answer) }),
  error: (error) => jsonLine({ error: problemDetails(error), done: true }),
};

/** The bare text, for `curl`. */
const bareText: Encoding = {
  mediaType: "text/plain; charset=utf-8",
  streams: true,
  token: (event) => event.text,
  done: (event) => event.text,
};

const PARIS = { prompt: "Q: What is the capital of France?\nA:" };
const STORY = { prompt: "Once upon a time", max_new_tokens: 24, temperature: 0.7, seed: 7 };

const generate = route({
  method: "POST",
  path: "/generate",
  summary: 'One JSON when all is done; with "stream": true a token at a time, as /generate/stream does',
  body: GenerateBody,
  examples: {
    fact: PARIS,
    "a stream": { ...STORY, stream: true },
    "a JSON object": { prompt: "A red fox:", format: "json", max_new_tokens: 40 },
  },
  mediaTypes: ["application/json", SSE, NDJSON],
  answer: ({ body, exchange, negotiate }, vault) =>
    vault.generate(toRequest(body), body.stream ? negotiate([sse, ndjson]) : json, exchange),
});

/** The bare text is what a wildcard gets. */
const streaming = (path: string) =>
  route({
    method: "POST",
    path,
    summary: "A token at a time: server-sent events, NDJSON or the bare text, by Accept",
    body: GenerateBody,
    examples: { story: STORY },
    mediaTypes: ["text/plain", SSE, NDJSON],
    answer: ({ body, exchange, negotiate }, vault) =>
      vault.generate(toRequest(body), negotiate([bareText, sse, ndjson]), exchange),
  });

const resume = route({
  method: "GET",
  path: "/generate/stream/:id",
  summary: "A stream goes on where it was cut: after the event of Last-Event-ID, or after so many bytes",
  parameters: [
    { name: "id", in: "path", about: "The x-request-id of the stream, kept for 5 minutes", example: "my-request" },
    { name: "from", in: "query", about: "Bytes that the client has, where there is no Last-Event-ID", example: "0" },
  ],
  mediaTypes: [SSE, NDJSON, "text/plain"],
  answer: (call, vault) => vault.resume(call.parameter, parseSkip(call), call.request),
});

const ModelBody = v.object({ model: modelName });
const DEMO = { model: "minivault-demo" };

/** A model as the page and other programs list it. */
const modelObject = ({ listed, loaded, onGpu, expiresMs }: KnownModel) => {
  const { files } = listed;
  return {
    name: listed.name,
    repo: listed.repo,
    source: listed.source,
    parameters: listed.parameters,
    licence: listed.licence,
    context_tokens: listed.contextTokens,
    size_bytes: listed.sizeBytes,
    state: files.state,
    ...("totalBytes" in files && { loaded_bytes: files.loadedBytes, total_bytes: files.totalBytes }),
    ...(files.state === "downloading" && { bytes_per_second: files.bytesPerSecond, retrying: files.retrying }),
    ...(files.state === "failed" && { error: problemDetails(files.error) }),
    loaded,
    device: loaded ? (onGpu ? "webgpu" : "cpu") : null,
    expires_at: expiresMs === null ? null : new Date(expiresMs).toISOString(),
  };
};

const models = route({
  method: "GET",
  path: "/models",
  summary: "All models that a request may name: what they are, and how much of them is here",
  mediaTypes: ["application/json"],
  answer: async (_, { engine }) =>
    Response.json(
      { models: (await knownModels(engine)).map(modelObject) },
      { headers: { "cache-control": "no-store" } },
    ),
});

/** Unlike Ollama's, it does not wait: the download goes on without whoever asked for it. */
const pull = route({
  method: "POST",
  path: "/models/pull",
  summary: "Begins a download, or goes on with one; GET /models tells how far it is",
  body: ModelBody,
  examples: { demo: DEMO },
  mediaTypes: [],
  status: 202,
  answer: async ({ body }, { engine }) => {
    await engine.pull(body.model);
    return new Response(null, { status: 202 });
  },
});

const pause = route({
  method: "POST",
  path: "/models/pause",
  summary: "Stops a download; what is here is kept",
  body: ModelBody,
  examples: { demo: DEMO },
  mediaTypes: [],
  status: 204,
  answer: async ({ body }, { engine }) => {
    await engine.pause((await findModel(engine, body.model)).name);
    return new Response(null, { status: 204 });
  },
});

export const minivault: Dialect = {
  name: "minivault",
  title: "Own routes",
  prefix: "/",
  routes: [
    generate,
    streaming("/generate/stream"),
    streaming("/generate-stream"),
    streaming("/stream"),
    resume,
    ...LOG_ROUTES,
    models,
    pull,
    pause,
  ],
  error: (error) => ({ mediaType: "application/problem+json", body: problemDetails(error.toWire()) }),
};
