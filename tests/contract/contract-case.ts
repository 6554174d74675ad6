import { assert } from "chai";
import type { LogRecord } from "../../core/log/log-record.ts";

/** How a host is reached. */
export type Send = (path: string, init?: RequestInit) => Promise<Response>;

export interface ContractCase {
  readonly name: string;
  run(send: Send): Promise<void>;
}

export interface Answer {
  readonly response: string;
  readonly model: string;
  readonly id: string;
  readonly finish_reason: string;
  readonly generated_at: string;
  readonly usage: Record<string, number>;
  readonly timings: Record<string, number>;
}

export const PARIS = "Q: What is the capital of France?\nA:";
export const STORY = "Once upon a time";

export const post = (
  send: Send,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
) =>
  send(path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...(signal && { signal }),
  });

export const generate = async (send: Send, body: object, headers: Record<string, string> = {}) => {
  const response = await post(send, "/generate", body, headers);
  assert.equal(response.status, 200);
  return (await response.json()) as Answer;
};

export const stream = async (send: Send, body: object, accept: string) => {
  const response = await post(send, "/generate/stream", body, { accept });
  assert.equal(response.status, 200);
  return { type: response.headers.get("content-type"), text: await response.text() };
};

/** Strict: every event is an `id` line, a `data` line and a blank one, nothing else. */
export const events = (sse: string): Array<{ readonly id: number; readonly data: string }> => {
  assert.isTrue(sse.endsWith("\n\n"));
  return sse
    .slice(0, -2)
    .split("\n\n")
    .map((event) => {
      const [, id, data] = /^id: (\d+)\ndata: ([^\n]*)$/.exec(event) ?? assert.fail(`not an event: ${event}`);
      return { id: Number(id), data: data ?? "" };
    });
};

export const dataLines = (sse: string): string[] => events(sse).map(({ data }) => data);

export const jsonLines = <T>(text: string): T[] => {
  assert.isTrue(text === "" || text.endsWith("\n"));
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as T);
};

/** Records of one request, by the id that the caller gave it; closed ones only appear when they are. */
const recordsOf = async (send: Send, requestId: string): Promise<LogRecord[]> =>
  jsonLines<LogRecord>(await (await send("/logs")).text()).filter((record) => record.request_id === requestId);

/** The end of a cancelled request is written after its client has gone: ask until it is there. */
export const closedRecord = async (send: Send, requestId: string): Promise<LogRecord> => {
  for (;;) {
    const [record, ...others] = await recordsOf(send, requestId);
    assert.deepEqual(others, []);
    if (record?.finish_reason) return record;
  }
};

let lastId = 0;
export const newId = () => `contract-${Date.now()}-${++lastId}`;

export const isProblem = async (response: Response, status: number, code: string): Promise<{ detail: string }> => {
  assert.equal(response.status, status);
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  const problem = (await response.json()) as Record<string, unknown>;
  assert.equal(problem["status"], status);
  assert.equal(problem["code"], code);
  assert.equal(problem["type"], `urn:minivault:error:${code}`);
  assert.isString(problem["title"]);
  assert.match(String(problem["detail"]), /\.$/);
  return problem as { detail: string };
};

/** Of Ollama's dialect. */
export const isOllamaError = async (response: Response, status: number): Promise<string> => {
  assert.equal(response.status, status);
  const body = (await response.json()) as Json;
  assert.hasAllKeys(body, ["error"]);
  return body.error;
};

/** The JSON of an answer that is fine. */
export const json = async <T = Json>(response: Response): Promise<T> => {
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()) as T;
};

// biome-ignore lint/suspicious/noExplicitAny: whatever JSON there is; the assertions say what it must be
export type Json = any;
