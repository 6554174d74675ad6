import { awaitFirst } from "./await-first.ts";
import { deferStream } from "./defer-stream.ts";
import { EncodeStream, type Encoding } from "./encode/encoding.ts";
import { VaultError } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import type { Engine, GenerateRequest, TokenEvent } from "./protocol.ts";
import type { Queue } from "./queue.ts";
import { recordEvents } from "./record.ts";

export interface Admission {
  /** Whose turn it is. */
  readonly active: Exchange | null;
  generate(request: GenerateRequest, encoding: Encoding, exchange: Exchange): Promise<Response>;
}

/** The way of a checked request to the model, one at a time. */
export function createAdmission(engine: Engine, queue: Queue, now: () => number): Admission {
  let active: Exchange | null = null;

  /** Everything that can be refused is refused here, while there is still a status to say it with. */
  const start = async (request: GenerateRequest, exchange: Exchange): Promise<ReadableStream<TokenEvent>> => {
    const ticket = queue.enter();
    const leave = () => {
      if (active === exchange) active = null;
      ticket.leave();
    };
    try {
      await engine.admit(request);
    } catch (cause) {
      leave();
      throw cause;
    }
    const events = deferStream(async () => {
      await ticket.turn;
      active = exchange;
      exchange.queueMs = now() - exchange.arrivedMs;
      return engine.generate(request);
    }, leave);
    return recordEvents(events, exchange, now);
  };

  return {
    get active() {
      return active;
    },
    async generate(request, encoding, exchange) {
      const { prompt } = request;
      exchange.begin({
        prompt: prompt.type === "text" ? prompt.text : prompt.type === "tokens" ? prompt.tokenIds : null,
        messages: prompt.type === "chat" ? prompt.messages : null,
        mode: encoding.streams ? "stream" : "full",
      });
      const started = await start(request, exchange);
      const events = encoding.streams ? started : await afterPrefill(started);
      return new Response(events.pipeThrough(new EncodeStream(encoding, exchange)), {
        headers: { "content-type": encoding.mediaType, "cache-control": "no-store" },
      });
    },
  };
}

/** One JSON waits for `start`, so that whatever goes wrong before it has a status. */
async function afterPrefill(events: ReadableStream<TokenEvent>): Promise<ReadableStream<TokenEvent>> {
  const { first, stream } = await awaitFirst(events);
  if (first?.type === "error") throw VaultError.fromWire(first.error);
  return stream;
}
