import type { Context } from "hono";
import { accepts } from "hono/accepts";
import { Hono } from "hono/tiny";
import { createAdmission, PATIENCE, type Patience, whyTooLong } from "./admission.ts";
import { CONTAINED, isOwnScript, isSafe, mustBeOwnScript } from "./cross-site.ts";
import type { Call, Dialect, Host, Route, Vault } from "./dialect.ts";
import type { Encoding } from "./encode/encoding.ts";
import { asVaultError, VaultError } from "./errors.ts";
import { createJournal, type Exchange, type Skip } from "./exchange.ts";
import { parseBody } from "./fields.ts";
import { levelOf } from "./log/log-level.ts";
import type { LogSink } from "./log/log-record.ts";
import type { Engine } from "./protocol.ts";
import { createPulls } from "./pull.ts";
import { createQueue } from "./queue.ts";
import { randomId } from "./random-id.ts";
import { createRateLimiter, type RateLimit, type RateLimiter } from "./rate-limit.ts";
import { readJsonBody } from "./read-body.ts";
import { DIALECTS, dialectOf } from "./routing.ts";
import { DEFAULT_RULES, type SiteRules } from "./site-rules.ts";
import { within } from "./within.ts";

export interface ApiOptions {
  readonly engine: Engine;
  readonly log: LogSink;
  /** Path that the routes start at. */
  readonly basePath?: string;
  /** Asked at each request; must not reject. */
  readonly rules?: () => Promise<SiteRules>;
  readonly now?: () => number;
  readonly newId?: () => string;
  readonly dialects?: readonly Dialect[];
  readonly patience?: Partial<Patience>;
  /** Called with the number of answers that are under way, whenever that changes. */
  readonly onBusy?: (answers: number) => void;
  /** Where this runs: `/health` reports it. */
  readonly host?: Host;
}

/** `client`: who asks, as far as the host can tell; each has a rate limit of its own. */
export type FetchHandler = (request: Request, client?: string) => Promise<Response>;

/** Seconds after which a 503 is worth trying again. */
const RETRY_AFTER_S = "2";

/**
 * Another site can open windows without end, and its visitor's log must not grow with each of them: so many failures are
 * logged in the life of a host, the others only counted.
 */
const MAX_STRANGERS = 100;

type Env = { Bindings: { readonly exchange: Exchange; readonly client: string; readonly site: SiteRules } };

/** The whole API as one function, for any host that has `fetch` types: see "Life of a request" in the docs. */
export function createApi(options: ApiOptions): FetchHandler {
  const { engine, log, basePath = "/", now = Date.now, newId = randomId } = options;
  const { rules = async () => DEFAULT_RULES, dialects = DIALECTS, onBusy = () => {}, host = "process" } = options;
  const queue = createQueue();
  const journal = createJournal({ log, now, newId, host: host === "process" ? "node" : "browser", onBusy });
  const patience = { ...PATIENCE, ...options.patience };
  const admission = createAdmission(engine, queue, now, patience);
  /** As the engine does it, but in time: a service worker that leaves a request unanswered is stopped by the browser. */
  const inTime =
    <Args extends unknown[], T>(ask: (...args: Args) => Promise<T>) =>
    (...args: Args): Promise<T> =>
      within(ask(...args), patience.answerMs, () => whyTooLong(engine));

  /** The same request again, of whose answer something is known. */
  const resume = async (name: string, skip: Skip, request: Request): Promise<Response> => {
    mustBeOwnScript(request); // it ends the reader before it, and computes
    const { url, method } = request;
    const found = await log.kept(name);
    if (found && method === "HEAD") return new Response();
    if (found) await admission.release(found.record.id);
    const kept = found && (await log.kept(name)); // with what was said meanwhile
    if (!kept) throw new VaultError("stream-not-found", `No stream of ${name} is kept. Send the request again.`);
    const last = kept.events.at(-1);
    const isWhole = last?.type === "done";
    if (isWhole && skip.type === "events" && skip.lastId > last.newTokens) return new Response(null, { status: 204 });
    const exchange = await journal.reopen({ kept, isWhole, skip });
    const { path, accept, body } = kept.replay;
    const again = { method: "POST", headers: { accept }, body: JSON.stringify(body) };
    return serve(new Request(new URL(basePath + path, url), again), exchange, "");
  };

  const vault: Vault = {
    engine: {
      ...engine,
      load: inTime(engine.load),
      tokenise: inTime(engine.tokenise),
      detokenise: inTime(engine.detokenise),
    },
    host,
    log,
    queue,
    pulls: createPulls(engine),
    now,
    async generate(request, encoding, exchange) {
      if (exchange.refusal) throw exchange.refusal;
      return admission.generate(request, encoding, exchange);
    },
    resume,
    get active() {
      return admission.active;
    },
    get logFailures() {
      return journal.failures;
    },
  };
  let strangersFailed = 0;
  let limited: { readonly by: RateLimit; readonly limiter: RateLimiter } | undefined;

  const limiterOf = ({ rateLimit }: SiteRules): RateLimiter => {
    const isSame = limited?.by.burst === rateLimit.burst && limited.by.perMinute === rateLimit.perMinute;
    if (!limited || !isSame) limited = { by: rateLimit, limiter: createRateLimiter(rateLimit, now) };
    return limited.limiter;
  };

  const answer = async (c: Context<Env>, dialect: Dialect, route: Route): Promise<Response> => {
    const { exchange, client, site } = c.env;
    exchange.dialect = dialect.name;
    if (route.method === "GET") return route.answer(callOf(c, route, undefined), vault);
    const headers = exchange.continuation ? {} : limiterOf(site).take(client);
    const json = route.body && (await readJsonBody(c.req.raw));
    exchange.asked = {
      path: belowBase(c.req.path),
      accept: c.req.header("accept") ?? "*/*",
      body: json,
      conversationId: c.req.header("x-conversation-id") ?? null,
    };
    const body = route.body && parseBody(route.body, json);
    return withHeaders(await route.answer(callOf(c, route, body), vault), headers);
  };

  const app = new Hono<Env>().basePath(basePath);
  for (const dialect of dialects) {
    for (const route of dialect.routes) app.on(route.method, route.path, (c) => answer(c, dialect, route));
    for (const path of new Set(dialect.routes.map((route) => route.path))) {
      const methods = dialect.routes.filter((route) => route.path === path).map(({ method }) => method);
      const allow = [...methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])), "OPTIONS"].join(
        ", ",
      );
      app.options(path, () => new Response(null, { status: 204, headers: { allow } }));
      app.all(path, (c) => {
        c.env.exchange.dialect = dialect.name;
        const detail = `${c.req.path} answers ${methods.join(" and ")} only. Send a ${methods.join(" or ")} request.`;
        throw new VaultError("method-not-allowed", detail, { headers: { allow } });
      });
    }
  }
  app.notFound((c) => {
    throw new VaultError("not-found", `There is nothing at ${c.req.path}. The routes are at ${basePath}docs.`);
  });
  app.onError((cause) => {
    throw cause; // to where the log hears of it
  });

  const belowBase = (path: string): string => path.slice(basePath.length);

  const serve = async (request: Request, exchange: Exchange, client: string): Promise<Response> => {
    let response: Response;
    try {
      const site = await rules();
      queue.maxWaiting = site.maxWaiting;
      exchange.rules = site.log; // of a request whose own level is refused
      exchange.rules = { ...site.log, level: levelOf(request.headers, site.log.level) };
      exchange.refusal = site.wrong;
      if (!isSafe(request)) mustBeOwnScript(request);
      response = await app.fetch(request, { exchange, client, site });
    } catch (cause) {
      const error = asVaultError(cause);
      if (!isOwnScript(request) && ++strangersFailed > MAX_STRANGERS)
        exchange.rules = { ...exchange.rules, level: "none" };
      // Who watches the log reads it whenever it changes: were that logged, it would never end.
      if (error.code !== "vault-locked") await exchange.fail(error);
      response = errorResponse(error, dialectOf(`/${belowBase(new URL(request.url).pathname)}`, dialects));
    }
    if (response.headers.has("x-request-id")) return response; // of the request that this one goes on with
    return withHeaders(response, {
      ...CONTAINED,
      "x-request-id": exchange.requestId,
      "server-timing": serverTiming(exchange, now()),
    });
  };

  return (request, client = "") => serve(request, journal.newExchange(request, client), client);
}

function callOf(c: Context<Env>, { parameters = [] }: Route, body: unknown): Call<unknown> {
  const parameter = parameters.find((one) => one.in === "path");
  return {
    request: c.req.raw,
    url: new URL(c.req.url),
    parameter: parameter ? (c.req.param(parameter.name) ?? "") : "",
    body,
    exchange: c.env.exchange,
    negotiate: (encodings) => negotiate(c, encodings),
  };
}

function negotiate(c: Context, encodings: readonly [Encoding, ...Encoding[]]): Encoding {
  const typeOf = ({ mediaType }: Encoding): string => mediaType.split(";")[0] ?? "";
  const wanted = accepts(c, { header: "Accept", supports: encodings.map(typeOf), default: typeOf(encodings[0]) });
  return encodings.find((encoding) => typeOf(encoding) === wanted) ?? encodings[0];
}

function errorResponse(error: VaultError, dialect: Dialect): Response {
  const { mediaType, body, headers } = dialect.error(error);
  const response = new Response(JSON.stringify(body), {
    status: error.status,
    headers: { "content-type": mediaType, "cache-control": "no-store", ...headers },
  });
  if (error.status === 503) response.headers.set("retry-after", RETRY_AFTER_S);
  return withHeaders(response, error.headers);
}

/** What is known when the status line is sent: a stream's turn comes later. https://www.w3.org/TR/server-timing/ */
function serverTiming({ queueMs, prefillMs, arrivedMs }: Exchange, nowMs: number): string {
  const parts = { queue: queueMs, prefill: prefillMs, total: nowMs - arrivedMs };
  return Object.entries(parts)
    .filter(([, ms]) => ms !== null)
    .map(([name, ms]) => `${name};dur=${Math.round((ms ?? 0) * 100) / 100}`)
    .join(", ");
}

function withHeaders(response: Response, headers: Readonly<Record<string, string>>): Response {
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  return response;
}
