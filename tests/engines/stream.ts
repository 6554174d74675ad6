import type { Tab } from "./engine-driver.ts";

/** A stream as a page has read it so far. */
export interface StreamState {
  /** The body, as server-sent events. */
  readonly text: string;
  /** `null` while it goes on; `end`, or the error that the reader saw. */
  readonly outcome: string | null;
}

interface OpenStream {
  text: string;
  outcome: string | null;
  readonly abort: AbortController;
}
declare const openStreams: Map<string, OpenStream>;

/** Begins to read one in the page, which goes on with it while the test does something else. */
export const beginStream = (tab: Tab, id: string, path: string, init: object): Promise<void> =>
  tab.evaluate(
    async (id, path, init) => {
      Object.assign(globalThis, { openStreams: "openStreams" in globalThis ? openStreams : new Map() });
      const stream: OpenStream = { text: "", outcome: null, abort: new AbortController() };
      openStreams.set(id, stream);
      const response = await fetch(path, { ...init, signal: stream.abort.signal });
      if (!response.ok || !response.body) throw new Error(`${response.status} ${await response.text()}`);
      const reader = response.body.getReader();
      const utf8 = new TextDecoder();
      const read = async () => {
        for (let next = await reader.read(); !next.done; next = await reader.read()) {
          stream.text += utf8.decode(next.value, { stream: true });
        }
      };
      read().then(
        () => {
          stream.outcome = "end";
        },
        (cause: Error) => {
          stream.outcome = cause.name;
        },
      );
    },
    id,
    path,
    init,
  );

/** `POST /generate/stream`; the stream's name is also the id of the request. */
export const beginGenerating = (tab: Tab, id: string, body: object): Promise<void> =>
  beginStream(tab, id, "/generate/stream", {
    method: "POST",
    headers: { accept: "text/event-stream", "x-request-id": id },
    body: JSON.stringify(body),
  });

/** What has been read once there are so many tokens; earlier if it ends before. */
export const readTokens = (tab: Tab, id: string, tokens: number): Promise<StreamState> =>
  tab.evaluate(
    async (id, tokens) => {
      const stream = openStreams.get(id);
      if (!stream) throw new Error(`There is no stream ${id}.`);
      while (stream.outcome === null && stream.text.split('"index":').length - 1 < tokens) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return { text: stream.text, outcome: stream.outcome };
    },
    id,
    tokens,
  );

export const readToEnd = (tab: Tab, id: string): Promise<StreamState> => readTokens(tab, id, Number.MAX_SAFE_INTEGER);

/** Resolves once its reader has been told. */
export const abortStream = (tab: Tab, id: string): Promise<StreamState> =>
  tab.evaluate(async (id) => {
    const stream = openStreams.get(id);
    if (!stream) throw new Error(`There is no stream ${id}.`);
    stream.abort.abort();
    while (stream.outcome === null) await new Promise((resolve) => setTimeout(resolve, 20));
    return { text: stream.text, outcome: stream.outcome };
  }, id);

export interface StreamEvent {
  readonly id: string | null;
  readonly token: string;
  readonly index: number;
}

/** Its tokens, without comments, what comes after the last token, and half an event at the end. */
export const tokensOf = (sse: string): StreamEvent[] =>
  sse
    .split("\n\n")
    .slice(0, -1)
    .map((event) => event.split("\n"))
    .flatMap((lines) => {
      const field = (name: string) =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? null;
      const data = field("data");
      if (data === null || data === "[DONE]") return [];
      const { token, index } = JSON.parse(data) as { token?: string; index?: number };
      return token === undefined || index === undefined ? [] : [{ id: field("id"), token, index }];
    });
