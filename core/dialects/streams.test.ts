import fc from "fast-check";
import { expect, test } from "vitest";
import { createMemoryLog } from "../../logs-export/memory-log.ts";
import { createApi } from "../api.ts";
import type { Engine, TokenEvent } from "../protocol.ts";
import { GREEDY } from "../protocol.ts";

/** Texts that a format could trip over. */
const piece = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.constantFrom("", "\n\n", "\r\n", "\r", "data: x", "[DONE]", "\u2028", '"', "\\", "\u0000"),
);

/** Says these pieces, a token each, whatever it is asked. */
function sayingEngine(pieces: readonly string[], rest: string): Engine {
  const options = { ...GREEDY, maxNewTokens: 9, stop: [], seed: 1, format: null };
  const events: TokenEvent[] = [
    { type: "start", model: "m", engine: "e", device: "cpu", promptTokens: 1, prefillMs: 1, options, echo: null },
    ...pieces.map((text, index): TokenEvent => ({ type: "token", index, tokenId: index, text, score: null })),
    { type: "done", text: rest, finishReason: "stop", newTokens: pieces.length, decodeMs: 1 },
  ];
  return {
    status: async () => ({ state: "absent" }),
    admit: async () => {},
    load: async () => {},
    unload: async () => {},
    models: async () => [],
    pull: async () => {},
    pause: async () => {},
    remove: async () => {},
    tokenise: async () => [],
    detokenise: async () => "",
    generate: () =>
      new ReadableStream({
        start(controller) {
          for (const event of events) controller.enqueue(event);
          controller.close();
        },
      }),
  };
}

async function chunksOf(response: Response): Promise<string[]> {
  const chunks: string[] = [];
  const reader = response.body!.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    chunks.push(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(next.value));
  }
  return chunks;
}

/** By the letter of https://html.spec.whatwg.org/multipage/server-sent-events.html: three kinds of line end. */
function parseSse(stream: string): string[] {
  const found: string[] = [];
  const data: string[] = [];
  for (const line of stream.split(/\r\n|\n|\r/)) {
    if (line === "" && data.length > 0) found.push(data.splice(0).join("\n"));
    else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
  }
  return found;
}

// biome-ignore lint/suspicious/noExplicitAny: whatever JSON there is; the assertions say what it must be
type Json = any;

const sse = (textOf: (event: Json) => string) => (stream: string) => {
  const found = parseSse(stream);
  expect(found.pop()).toBe("[DONE]");
  return found.map((data) => textOf(JSON.parse(data))).join("");
};

const ndjson = (textOf: (line: Json) => string) => (stream: string) => {
  expect(stream.endsWith("\n")).toBe(true);
  const lines = stream.slice(0, -1).split("\n");
  const parsed = lines.map((line) => JSON.parse(line));
  expect(parsed.map(({ done }) => done ?? false)).toEqual(lines.map((_, index) => index === lines.length - 1));
  return parsed.map(textOf).join("");
};

const whole = (textOf: (body: Json) => string) => (body: string) => textOf(JSON.parse(body));
const messages = [{ role: "user", content: "a" }];

const STREAMS: ReadonlyArray<
  [name: string, path: string, accept: string, body: object, parse: (text: string) => string]
> = [
  ["text", "/generate/stream", "text/plain", { prompt: "a" }, (text) => text],
  ["SSE", "/generate-stream", "text/event-stream", { prompt: "a" }, sse(({ token }) => token)],
  ["NDJSON", "/stream", "application/x-ndjson", { prompt: "a" }, ndjson(({ response }) => response)],
  ["JSON", "/generate", "*/*", { prompt: "a" }, whole(({ response }) => response)],
  [
    "OpenAI chat stream",
    "/v1/chat/completions",
    "*/*",
    { messages, stream: true, stream_options: { include_usage: true } },
    sse(({ choices: [choice] }) => choice?.delta.content ?? ""),
  ],
  ["OpenAI chat", "/v1/chat/completions", "*/*", { messages }, whole(({ choices: [{ message }] }) => message.content)],
  [
    "OpenAI completion stream",
    "/v1/completions",
    "*/*",
    { prompt: "a", stream: true },
    sse(({ choices: [choice] }) => choice?.text ?? ""),
  ],
  ["OpenAI completion", "/v1/completions", "*/*", { prompt: "a" }, whole(({ choices: [{ text }] }) => text)],
  ["Ollama generate stream", "/api/generate", "*/*", { model: "m", prompt: "a" }, ndjson(({ response }) => response)],
  ["Ollama chat stream", "/api/chat", "*/*", { model: "m", messages }, ndjson(({ message }) => message.content)],
  ["Ollama chat", "/api/chat", "*/*", { model: "m", messages, stream: false }, whole(({ message }) => message.content)],
];

const ask = (engine: Engine, path: string, accept: string, body: object) =>
  createApi({ engine, log: createMemoryLog() })(
    new Request(`http://x${path}`, { method: "POST", headers: { accept }, body: JSON.stringify(body) }),
  );

test.each(STREAMS)("%s carries any text to a strict parser", async (_, path, accept, body, parse) => {
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 8 }), piece, async (pieces, rest) => {
      const response = await ask(sayingEngine(pieces, rest), path, accept, body);
      expect(parse((await chunksOf(response)).join(""))).toBe([...pieces, rest].join(""));
    }),
    { numRuns: 100 },
  );
});

test.each([
  ["/generate/stream", "text/event-stream", { prompt: "a" }, 0],
  ["/generate/stream", "application/x-ndjson", { prompt: "a" }, 0],
  ["/v1/chat/completions", "*/*", { messages, stream: true }, 1], // one more says who speaks
  ["/v1/completions", "*/*", { prompt: "a", stream: true }, 0],
  ["/api/generate", "*/*", { model: "m", prompt: "a" }, 0],
] as const)("%s as %s sends one chunk a token, also for one without text", async (path, accept, body, before) => {
  const response = await ask(sayingEngine(["a", "", "b"], ""), path, accept, body);
  expect(await chunksOf(response)).toHaveLength(before + 3 + 1);
});
