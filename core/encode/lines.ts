/** One server-sent event. https://html.spec.whatwg.org/multipage/server-sent-events.html */
export const sseData = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
export const SSE_END = "data: [DONE]\n\n";
export const SSE = "text/event-stream";

/** One line of JSONL. */
export const jsonLine = (value: unknown): string => `${JSON.stringify(value)}\n`;
export const NDJSON = "application/x-ndjson";

/** Any values as JSONL: this is how the log leaves. */
export class NdjsonStream extends TransformStream<unknown, Uint8Array> {
  constructor() {
    const utf8 = new TextEncoder();
    super({ transform: (value, out) => out.enqueue(utf8.encode(jsonLine(value))) });
  }
}
