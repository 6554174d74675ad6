import type { Exchange, Skip } from "../exchange.ts";
import type { TokenEvent, TokenScore, WireError } from "../protocol.ts";
import type { DoneEvent, StartEvent } from "../usage.ts";
import { SSE, withIds } from "./lines.ts";

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

/**
 * Token events in, bytes out: one chunk a token. The id of an event is the number of tokens up to it; that of the end is
 * one more. What the client has already (`skip`) is written again, as it was, and left out.
 */
export class EncodeStream extends TransformStream<TokenEvent, Uint8Array> {
  constructor(encoding: Encoding, exchange: Exchange, skip: Skip = { type: "bytes", bytes: 0 }) {
    const utf8 = new TextEncoder();
    const scores: TokenScore[] = [];
    let start: StartEvent;
    let text = "";
    let id = 0;
    let skipBytes = skip.type === "bytes" ? skip.bytes : 0;
    const answer = (): Answer => ({ exchange, start, text, scores });
    const transformer: Transformer<TokenEvent, Uint8Array> = {
      transform(event, out) {
        const write = (chunk = "") => {
          if (!chunk || (skip.type === "events" && id <= skip.lastId && event.type !== "error")) return;
          const bytes = utf8.encode(encoding.mediaType === SSE ? withIds(chunk, id) : chunk);
          const from = Math.min(skipBytes, bytes.length);
          skipBytes -= from;
          if (from < bytes.length) out.enqueue(from ? bytes.slice(from) : bytes);
        };
        switch (event.type) {
          case "start":
            start = event;
            write(encoding.start?.(answer()));
            break;
          case "token":
            id = event.index + 1;
            text += event.text;
            if (event.score) scores.push(event.score);
            write(encoding.token?.(event, answer()));
            break;
          case "done":
            id = event.newTokens + 1;
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
