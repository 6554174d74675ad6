import type { Context } from "hono";
import { accepts } from "hono/accepts";
import { Hono } from "hono/tiny";
import { awaitFirst } from "./await-first.ts";
import { deferStream } from "./defer-stream.ts";
import { EncodeStream, type Encoding } from "./encode/encoding.ts";
import { json } from "./encode/json.ts";
import { ndjson } from "./encode/ndjson.ts";
import { sse } from "./encode/sse.ts";
import { text } from "./encode/text.ts";
import { asVaultError, problemResponse, VaultError } from "./errors.ts";
import { createJournal, type Exchange } from "./exchange.ts";
import { parseGenerateBody } from "./generate-request.ts";
import { healthResponse } from "./health.ts";
import { logsResponse } from "./logs-route.ts";
import type { Engine, GenerateRequest, LogSink, TokenEvent } from "./protocol.ts";
import { createQueue } from "./queue.ts";
import { readJsonBody } from "./read-body.ts";
import { recordEvents } from "./record.ts";

export interface ApiOptions {
  readonly engine: Engine;
  readonly log: LogSink;
  /** Path that the routes start at. */
  readonly basePath?: string;
  /** Requests that may wait behind the one that is being answered. */
  readonly maxWaiting?: number;
  readonly now?: () => number;
  readonly newId?: () => string;
}

export type FetchHandler = (request: Request) => Promise<Response>;

type Env = { Bindings: { exchange: Exchange } };

/** The whole API as one function, for any host that has `fetch` types: see "Life of a request" in the docs. */
export function createApi(options: ApiOptions): FetchHandler {
  const { engine, log, basePath = "/", maxWaiting = 8, now = Date.now, newId = () => crypto.randomUUID() } = options;
  const queue = createQueue(maxWaiting);
  const journal = createJournal({ log, now, newId });

  /** Everything that can be refused is refused here, while there is still a status to say it with. */
  const start = async (request: GenerateRequest, exchange: Exchange) => {
    const ticket = queue.enter();
    try {
      await engine.admit(request);
    } catch (cause) {
      ticket.leave();
      throw cause;
    }
    const events = deferStream(async () => {
      await ticket.turn;
      exchange.queueMs = now() - exchange.arrivedMs;
      return engine.generate(request);
    }, ticket.leave);
    return recordEvents(events, exchange, now);
  };

  /** `choose` picks the encoding from the parsed body; all of them but `json` stream. */
  const generate = async (c: Context<Env>, choose: (stream: boolean) => Encoding) => {
    const { exchange } = c.env;
    const { request, stream } = parseGenerateBody(await readJsonBody(c.req.raw));
    const encoding = choose(stream);
    exchange.begin({ prompt: request.prompt, mode: encoding === json ? "full" : "stream" });
    const started = await start(request, exchange);
    const events = encoding === json ? await afterPrefill(started) : started;
    return new Response(events.pipeThrough(new EncodeStream(encoding, exchange)), {
      headers: { "content-type": encoding.mediaType, "cache-control": "no-store" },
    });
  };

  const app = new Hono<Env>().basePath(basePath);
  const only = (method: "GET" | "POST", path: string, answer: (c: Context<Env>) => Response | Promise<Response>) => {
    app.on(method, path, answer);
    app.all(path, () => {
      const detail = `${path} answers ${method} only. Send a ${method} request.`;
      throw new VaultError("method-not-allowed", detail, { headers: { allow: method } });
    });
  };
  only("POST", "/generate", (c) => generate(c, (stream) => (stream ? sse : json)));
  only("POST", "/generate/stream", (c) => generate(c, () => negotiate(c)));
  only("GET", "/health", () => healthResponse({ engine, queue, log, logFailures: journal.failures }));
  only("GET", "/logs", (c) => logsResponse(log, new URL(c.req.url).searchParams, now()));
  app.notFound((c) => {
    throw new VaultError("not-found", `There is nothing at ${c.req.path}. The routes are in the README.`);
  });
  app.onError((cause) => {
    throw cause; // to where the log hears of it
  });

  return async (request) => {
    const exchange = journal.newExchange(request);
    let response: Response;
    try {
      response = await app.fetch(request, { exchange });
    } catch (cause) {
      const error = asVaultError(cause);
      await exchange.fail(error);
      response = problemResponse(error);
    }
    response.headers.set("x-request-id", exchange.requestId);
    response.headers.set("server-timing", `total;dur=${now() - exchange.arrivedMs}`);
    return response;
  };
}

/** One JSON waits for `start`, so that whatever goes wrong before it has a status. */
async function afterPrefill(events: ReadableStream<TokenEvent>): Promise<ReadableStream<TokenEvent>> {
  const { first, stream } = await awaitFirst(events);
  if (first?.type === "error") throw VaultError.fromWire(first.error);
  return stream;
}

/** The bare text comes first: it is what a wildcard gets. */
const STREAMS: Record<string, Encoding> = { "text/plain": text, [sse.mediaType]: sse, [ndjson.mediaType]: ndjson };

function negotiate(c: Context): Encoding {
  const wanted = accepts(c, { header: "Accept", supports: Object.keys(STREAMS), default: "text/plain" });
  return STREAMS[wanted] ?? text;
}
