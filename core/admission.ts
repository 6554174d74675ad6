import { awaitSure } from "./await-sure.ts";
import { createBody } from "./body.ts";
import { deferStream } from "./defer-stream.ts";
import { EncodeStream, type Encoding } from "./encode/encoding.ts";
import { SSE, SSE_PING } from "./encode/lines.ts";
import { VaultError } from "./errors.ts";
import type { Continuation, Exchange } from "./exchange.ts";
import { UNLIMITED } from "./generate-request.ts";
import type { Engine, EngineStatus, GenerateRequest, Loading, TokenEvent } from "./protocol.ts";
import type { Queue, Ticket } from "./queue.ts";
import { recordEvents } from "./record.ts";
import { within } from "./within.ts";

/** For how long a host lets others wait. */
export interface Patience {
  /** For the start of an answer, and for all of one JSON: Chromium stops a service worker that says nothing for 300 s. */
  readonly answerMs: number;
  /** Silence after which a stream says that it is there. */
  readonly pingMs: number;
  /** For a client to read on. */
  readonly readerMs: number;
}

export const PATIENCE: Patience = { answerMs: 290_000, pingMs: 10_000, readerMs: 60_000 };

export interface Admission {
  /** Whose turn it is. */
  readonly active: Exchange | null;
  generate(request: GenerateRequest, encoding: Encoding, exchange: Exchange): Promise<Response>;
  /** Ends an answer here, if it is under way, so that another request goes on with it; settles when its record is closed. */
  release(exchangeId: string): Promise<void>;
}

/** The way of a checked request to the model, one at a time. */
export function createAdmission(engine: Engine, queue: Queue, now: () => number, patience: Patience): Admission {
  const running = new Map<string, (why: VaultError) => Promise<void>>();
  let active: Exchange | null = null;

  /**
   * Everything that can be refused is refused here, while there is still a status to say it with. A stream whose model
   * is on its way for longer starts its Response meanwhile: only there is it heard that a client has gone.
   */
  const enter = async (request: GenerateRequest, streams: boolean): Promise<Ticket> => {
    const ticket = queue.enter(queue.isFull && isComing(await engine.status()) ? MAX_COMING : 0);
    let isStarted = false;
    const late = async () => (isStarted ? null : whyTooLong(engine));
    const admitted = within(engine.admit(request), patience.answerMs, late).then(ticket.ready, (cause) => {
      ticket.leave();
      throw cause;
    });
    const early = async () => {
      if (!isComing(await engine.status())) return null;
      isStarted = true;
      return STARTED;
    };
    await (streams ? within(admitted, patience.pingMs, early) : admitted).catch((cause) => {
      if (cause !== STARTED) throw cause;
    });
    const turn = admitted.then(() => ticket.turn);
    turn.catch(() => {}); // who left does not hear of it
    return { ...ticket, turn };
  };

  /** The events of the answer, and a way to end it from here. */
  const start = async (request: GenerateRequest, exchange: Exchange, known: readonly TokenEvent[], untilMs: number) => {
    const streams = untilMs === Number.POSITIVE_INFINITY;
    const ticket = await enter(request, streams);
    const timer = !streams && setTimeout(async () => stop(await whyTooLong(engine)), untilMs - now());
    const events = deferStream(
      async (ended) => {
        await ticket.turn;
        ended.throwIfAborted();
        active = exchange;
        exchange.queueMs ??= now() - exchange.arrivedMs;
        return engine.generate(request);
      },
      () => {
        if (timer) clearTimeout(timer);
        if (active === exchange) active = null;
        if (running.get(exchange.id) === stop) running.delete(exchange.id);
        ticket.leave();
      },
    );
    const { recorded, stop } = recordEvents(events, exchange, now, known);
    running.set(exchange.id, stop);
    return recorded;
  };

  return {
    get active() {
      return active;
    },
    async generate(asked, encoding, exchange) {
      const { continuation } = exchange;
      const known = continuation?.kept.events ?? [];
      const given = { ...asked, isSeedDrawn: asked.seed === null };
      const request = continuation ? goOn(given, continuation) : { ...given, seed: asked.seed ?? drawSeed() };
      if (!continuation) begin(request, encoding, exchange);

      const untilMs = encoding.streams ? Number.POSITIVE_INFINITY : exchange.arrivedMs + patience.answerMs;
      const recorded = continuation?.isWhole ? streamOf(known) : await start(request, exchange, known, untilMs);
      const maxTokens = asked.maxNewTokens === UNLIMITED ? null : asked.maxNewTokens;
      const events = encoding.streams ? recorded : await awaitSure(recorded, { maxTokens, deadlineMs: untilMs, now });
      const chunks = events.pipeThrough(new EncodeStream(encoding, exchange, continuation?.skip));
      const ping = encoding.mediaType === SSE ? SSE_PING : null;
      return new Response(createBody(chunks, { ...patience, ping }), {
        headers: { "content-type": encoding.mediaType, "cache-control": "no-store" },
      });
    },
    async release(exchangeId) {
      await running.get(exchangeId)?.(ELSEWHERE);
    },
  };
}

function begin({ prompt, seed }: GenerateRequest, encoding: Encoding, exchange: Exchange): void {
  const { asked } = exchange;
  exchange.begin(
    {
      prompt: prompt.type === "text" ? prompt.text : prompt.type === "tokens" ? prompt.tokenIds : null,
      messages: prompt.type === "chat" ? prompt.messages : null,
      instruction: prompt.type === "chat" && prompt.instruction,
      mode: encoding.streams ? "stream" : "full",
    },
    encoding.streams && asked ? { ...asked, seed: seed ?? 0 } : null,
  );
}

/** The same request to whichever engine: its tokens so far are given, its seed and its model stay. */
function goOn(request: GenerateRequest, { kept }: Continuation): GenerateRequest {
  const start = kept.events.find((event) => event.type === "start");
  const continued = kept.events.flatMap((event) => (event.type === "token" ? [event.tokenId] : []));
  return { ...request, seed: kept.replay.seed, model: start?.model ?? request.model, continued };
}

const drawSeed = (): number => crypto.getRandomValues(new Uint32Array(1))[0]!;

const streamOf = <T>(values: readonly T[]): ReadableStream<T> =>
  new ReadableStream({
    start(controller) {
      for (const value of values) controller.enqueue(value);
      controller.close();
    },
  });

/** So many more may wait while a model comes. */
const MAX_COMING = 64;

const loadingOf = (status: EngineStatus): Loading | null =>
  status.state === "loading" ? status : status.state === "ready" ? status.loading : null;

/** A page that is being opened brings one soon, or it is known that none does. */
const isComing = (status: EngineStatus): boolean => status.state === "absent" || loadingOf(status) !== null;

/** A model that is on its way comes without whoever asked for it: asking again is all there is to do. */
export async function whyTooLong(engine: Engine): Promise<VaultError> {
  const loading = loadingOf(await engine.status());
  if (!loading) return TOO_LONG;
  const { model, phase, loadedBytes, totalBytes } = loading;
  const here =
    phase === "downloading" && totalBytes > 0 ? `: ${megabytes(loadedBytes)} of ${megabytes(totalBytes)} MB` : "";
  return new VaultError(
    "timeout",
    `No answer within 290 seconds, since ${model} is still on its way${here}. Ask again: it comes meanwhile.`,
    { headers: { "retry-after": "10" } },
  );
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);

const TOO_LONG = new VaultError(
  "timeout",
  "No answer within 290 seconds. Ask for fewer tokens, or for a stream, which may take as long as it needs.",
);
const STARTED = new Error("The response has started.");
const ELSEWHERE = new VaultError("stream-busy", "Another request has gone on with this stream.");
