import type { Exchange } from "../exchange.ts";
import type { TokenEvent, TokenScore, WireError } from "../protocol.ts";
import type { DoneEvent, StartEvent } from "../usage.ts";

type TokenOf = Extract<TokenEvent, { type: "token" }>;

/** How one media type writes an answer. Each text that comes back becomes one chunk; an empty one becomes none. */
export interface Encoding {
  readonly mediaType: string;
  /** One JSON says nothing before the end, so it waits for the end of prefill before it takes a status. */
  readonly streams: boolean;
  start?(answer: Answer): string;
  token?(event: TokenOf, answer: Answer): string;
  /** `event.text` is what had been held back; the answer has all of the text already. */
  done(event: DoneEvent, answer: Answer): string;
  /** Absent where the format has no room for an error: then the body breaks, so that a cut is seen as a cut. */
  error?(error: WireError): string;
}

/** What is known of an answer while it is written. */
export interface Answer {
  readonly exchange: Exchange;
  readonly start: StartEvent;
  /** So far. */
  readonly text: string;
  readonly scores: readonly TokenScore[];
}

/** Token events in, bytes out: one chunk a token. */
export class EncodeStream extends TransformStream<TokenEvent, Uint8Array> {
  constructor(encoding: Encoding, exchange: Exchange) {
    const utf8 = new TextEncoder();
    const scores: TokenScore[] = [];
    let start: StartEvent;
    let text = "";
    const answer = (): Answer => ({ exchange, start, text, scores });
    const transformer: Transformer<TokenEvent, Uint8Array> = {
      transform(event, out) {
        const write = (chunk = "") => {
          if (chunk) out.enqueue(utf8.encode(chunk));
        };
        switch (event.type) {
          case "start":
            start = event;
            write(encoding.start?.(answer()));
            break;
          case "token":
            text += event.text;
            if (event.score) scores.push(event.score);
            write(encoding.token?.(event, answer()));
            break;
          case "done":
            text += event.text;
            write(encoding.done(event, answer()));
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
