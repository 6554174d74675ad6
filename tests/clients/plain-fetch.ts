/** No library at all: `fetch`, and a reader of a dozen lines for each kind of stream. */

interface Event {
  readonly token: string;
  readonly index: number;
  readonly usage?: { readonly completion_tokens: number };
}

interface Line {
  readonly response: string;
  readonly done?: boolean;
  readonly usage?: { readonly completion_tokens: number };
}

const ask = (body: object, accept: string, signal: AbortSignal | null = null) =>
  fetch("/generate", {
    method: "POST",
    headers: { "content-type": "application/json", accept },
    body: JSON.stringify({ ...body, stream: true }),
    signal,
  });

/** Texts of a body, split where `end` matches. What follows the last match is no part: it was cut off. */
async function* split(response: Response, end: RegExp): AsyncGenerator<string, void> {
  let rest = "";
  for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split(end);
    rest = parts.pop() ?? "";
    yield* parts;
  }
}

/**
 * The data of server-sent events, to the letter of the standard: lines end in LF, CR or CRLF, comments and unknown
 * fields are skipped, one space after the colon is no part of the value, and data of several lines is joined.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
async function* serverSentEvents(response: Response): AsyncGenerator<{ type: string; data: string }, void> {
  let type = "message";
  let data: string[] = [];
  for await (const line of split(response, /\r\n|\n|\r(?!$)/)) {
    if (line === "") {
      if (data.length > 0) yield { type, data: data.join("\n") };
      type = "message";
      data = [];
      continue;
    }
    const [, field, value = ""] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? [];
    if (field === "data") data.push(value);
    if (field === "event") type = value;
  }
}

export async function events() {
  const response = await ask({ prompt: "Q: What is the capital of France?\nA:" }, "text/event-stream");
  const events: Event[] = [];
  for await (const { type, data } of serverSentEvents(response)) {
    if (type === "error") throw new Error(data);
    if (data === "[DONE]") return { type: response.headers.get("content-type"), events };
    events.push(JSON.parse(data));
  }
  throw new Error("The stream ended before its end mark.");
}

export async function lines() {
  const response = await ask({ prompt: "Q: What is the capital of France?\nA:" }, "application/x-ndjson");
  const lines: Line[] = [];
  for await (const line of split(response, /\n/)) lines.push(JSON.parse(line));
  return { type: response.headers.get("content-type"), lines };
}

/** With the fake engine, which is slow on demand. */
export const stops = {
  async signal() {
    const abort = new AbortController();
    const response = await ask({ prompt: "slow:20", max_new_tokens: 5000 }, "text/event-stream", abort.signal);
    let seen = 0;
    try {
      for await (const _ of serverSentEvents(response)) if (++seen === 4) abort.abort();
      return "the loop ends";
    } catch (cause) {
      return (cause as Error).name;
    }
  },

  /** Leaving the loop cancels the body. */
  async break() {
    const response = await ask({ prompt: "slow:20", max_new_tokens: 5000 }, "text/event-stream");
    let seen = 0;
    for await (const _ of serverSentEvents(response)) if (++seen === 4) break;
    return "the loop ends";
  },
};
