import { problemDetails } from "../errors.ts";
import type { Encoding } from "./encoding.ts";

const line = (value: unknown) => `${JSON.stringify(value)}\n`;

/** One JSON value a line: `{"response"}` each, `"done": true` on the last. */
export const ndjson: Encoding = {
  mediaType: "application/x-ndjson",
  token: ({ text }) => line({ response: text }),
  done: ({ text }, { fields }) =>
    (text ? line({ response: text }) : "") + line({ response: "", done: true, ...fields }),
  error: (error) => line({ error: problemDetails(error), done: true }),
};

/** Any values as JSONL, which is the same format: this is how the log leaves. */
export class NdjsonStream extends TransformStream<unknown, Uint8Array> {
  constructor() {
    const utf8 = new TextEncoder();
    super({ transform: (value, out) => out.enqueue(utf8.encode(line(value))) });
  }
}
