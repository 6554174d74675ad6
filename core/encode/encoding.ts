import type { Exchange } from "../exchange.ts";
import type { TokenEvent, WireError } from "../protocol.ts";
import { type DoneEvent, type StartEvent, timingsOf, usageOf } from "../usage.ts";

type TokenOf = Extract<TokenEvent, { type: "token" }>;

/** How one media type writes an answer. Each text that comes back becomes one chunk; an empty one becomes none. */
export interface Encoding {
  readonly mediaType: string;
  token(event: TokenOf): string;
  done(event: DoneEvent, answer: Answer): string;
  /** Absent where the format has no room for an error: then the body breaks, so that a cut is seen as a cut. */
  error?(error: WireError): string;
}

/** What every encoding can say of a finished answer. */
interface Answer {
  /** The whole text. */
  readonly response: string;
  readonly fields: ReturnType<typeof answerFields>;
}

function answerFields(start: StartEvent, done: DoneEvent, exchange: Exchange) {
  return {
    usage: usageOf(start.promptTokens, done.newTokens),
    model: start.model,
    id: exchange.id,
    finish_reason: done.finishReason,
    timings: timingsOf(start, done, exchange.queueMs ?? 0),
  };
}

/** Token events in, bytes out: one chunk a token. */
export class EncodeStream extends TransformStream<TokenEvent, Uint8Array> {
  constructor(encoding: Encoding, exchange: Exchange) {
    const utf8 = new TextEncoder();
    let start: StartEvent;
    let response = "";
    const transformer: Transformer<TokenEvent, Uint8Array> = {
      transform(event, out) {
        const write = (text: string) => {
          if (text) out.enqueue(utf8.encode(text));
        };
        switch (event.type) {
          case "start":
            start = event;
            break;
          case "token":
            response += event.text;
            write(encoding.token(event));
            break;
          case "done":
            response += event.text;
            write(encoding.done(event, { response, fields: answerFields(start, event, exchange) }));
            break;
          case "error":
            if (encoding.error) write(encoding.error(event.error));
            else out.error(new Error(event.error.detail));
            break;
          default:
            event satisfies never;
        }
      },
    };
    // Room for one chunk: a stream waits for its reader, whereas one JSON, which writes nothing before its end, gets
    // there unread. Two answers awaited together would else wait for each other.
    super(transformer, undefined, { highWaterMark: 1 });
  }
}
