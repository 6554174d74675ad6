import fc from "fast-check";
import { expect, test } from "vitest";
import { createMemoryLog } from "../../tests/fixtures/memory-log.ts";
import { createJournal } from "../exchange.ts";
import type { TokenEvent } from "../protocol.ts";
import { EncodeStream, type Encoding } from "./encoding.ts";
import { json } from "./json.ts";
import { ndjson } from "./ndjson.ts";
import { sse } from "./sse.ts";
import { text } from "./text.ts";

/** Texts that a format could trip over. */
const piece = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.constantFrom("", "\n\n", "\r\n", "\r", "data: x", "[DONE]", "\u2028", '"', "\\", "\u0000"),
);

function events(pieces: readonly string[], rest: string): TokenEvent[] {
  const options = { temperature: 0, topK: 0, topP: 1, repetitionPenalty: 1, maxNewTokens: 9, stop: [], seed: 1 };
  return [
    { type: "start", model: "m", device: "cpu", promptTokens: 1, prefillMs: 1, options },
    ...pieces.map((one, index): TokenEvent => ({ type: "token", index, tokenId: index, text: one })),
    { type: "done", text: rest, finishReason: "stop", newTokens: pieces.length, decodeMs: 1 },
  ];
}

async function encode(encoding: Encoding, all: TokenEvent[]): Promise<string[]> {
  const journal = createJournal({ log: createMemoryLog(), now: () => 0, newId: () => "id" });
  const exchange = journal.newExchange(new Request("http://x/"));
  const stream = new ReadableStream<TokenEvent>({
    start(controller) {
      for (const event of all) controller.enqueue(event);
      controller.close();
    },
  }).pipeThrough(new EncodeStream(encoding, exchange));
  const chunks: string[] = [];
  const reader = stream.getReader();
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

const PARSERS: ReadonlyArray<[Encoding, (chunks: string[]) => string]> = [
  [text, (chunks) => chunks.join("")],
  [json, (chunks) => JSON.parse(chunks.join("")).response],
  [
    ndjson,
    (chunks) =>
      chunks
        .join("")
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line).response)
        .join(""),
  ],
  [
    sse,
    (chunks) => {
      const found = parseSse(chunks.join(""));
      expect(found.pop()).toBe("[DONE]");
      return found.map((data) => JSON.parse(data).token).join("");
    },
  ],
];

test.each(PARSERS)("$mediaType carries any text to a strict parser", async (encoding, parse) => {
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 8 }), piece, async (pieces, rest) => {
      const chunks = await encode(encoding, events(pieces, rest));
      expect(parse(chunks)).toBe([...pieces, rest].join(""));
    }),
    { numRuns: 200 },
  );
});

test.each([sse, ndjson])("$mediaType sends one chunk a token, also for one without text", async (encoding) => {
  expect(await encode(encoding, events(["a", "", "b"], ""))).toHaveLength(4);
});
