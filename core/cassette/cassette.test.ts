import fc from "fast-check";
import { expect, test } from "vitest";
import { asJsonl, RECORDINGS } from "../../tests/fixtures/any-recording.ts";
import { SCHEMA_1, SCHEMA_2, SCHEMA_3 } from "../../tests/fixtures/old-records.ts";
import type { LogRecord } from "../log/log-record.ts";
import { requestOf } from "../log/replay.ts";
import { upgradeRecord } from "../log/upgrade-record.ts";
import type { GenerateRequest, TokenEvent } from "../protocol.ts";
import { type Cassette, createCassette } from "./cassette.ts";

const WHERE = "/cassettes/paris.jsonl";
const cassetteOf = (...records: readonly object[]): Cassette => createCassette("paris", asJsonl(records), WHERE);

async function told(cassette: Cassette, request: GenerateRequest): Promise<TokenEvent[]> {
  cassette.check(request);
  const events: TokenEvent[] = [];
  const reader = cassette.play(request).getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) events.push(next.value);
  return events;
}

const textOf = (events: readonly TokenEvent[]): string =>
  events.map((event) => (event.type === "token" || event.type === "done" ? event.text : "")).join("");
const answer = async (cassette: Cassette, request: GenerateRequest) => textOf(await told(cassette, request));

/** Of a question that was asked with dice. */
const RECORD: LogRecord = {
  ...upgradeRecord(SCHEMA_3),
  prompt: "What is the capital of France?",
  messages: null,
  options: { ...SCHEMA_2.options, temperature: 0.8, logit_bias: { 5: 1 } },
  queue_ms: 0,
  ttft_ms: 0,
};
const REQUEST = requestOf(RECORD);
const saying = (response: string, changes: Partial<LogRecord> = {}): LogRecord => ({ ...RECORD, response, ...changes });

test("any recorded request gets its recorded text, usage and end, also when it is told a second time", async () => {
  await fc.assert(
    fc.asyncProperty(RECORDINGS, async (records) => {
      const cassette = cassetteOf(...records);
      for (const record of [...records, ...records.toReversed()]) {
        const events = await told(cassette, requestOf(record));
        expect(textOf(events)).toBe(record.response);
        expect(events[0]).toMatchObject({ type: "start", model: "cassette:paris", engine: "cassette" });
        expect(events[0]).toMatchObject({ options: { seed: record.options.seed, stop: record.options.stop } });
        expect(events.at(-1)).toMatchObject({
          finishReason: record.finish_reason,
          newTokens: record.usage.completion_tokens,
        });
        if (record.tokens) expect(events).toHaveLength(2 + record.usage.completion_tokens);
      }
    }),
    { numRuns: 50 },
  );
});

/** An option of a request that is another one than was recorded. */
const CHANGES: Readonly<Record<string, (request: GenerateRequest) => Partial<GenerateRequest>>> = {
  max_new_tokens: ({ maxNewTokens }) => ({ maxNewTokens: maxNewTokens - 1 }),
  temperature: ({ sampling }) => ({ sampling: { ...sampling, temperature: 10 } }),
  top_k: ({ sampling }) => ({ sampling: { ...sampling, topK: 100 } }),
  repeat_last_n: ({ sampling }) => ({ sampling: { ...sampling, repetitionWindow: 100 } }),
  logit_bias: ({ sampling }) => ({ sampling: { ...sampling, logitBias: [[1000, 1]] } }),
  stop: ({ stop }) => ({ stop: [...stop, "x"] }),
  seed: ({ seed }) => ({ seed: (seed ?? 0) + 1 }),
  format: () => ({ format: { type: "schema", schema: {} } }),
};

test("any recorded request with one option changed gets none, and is told which recording comes nearest and why", () => {
  const one = fc.nat();
  fc.assert(
    fc.property(RECORDINGS, one, fc.constantFrom(...Object.keys(CHANGES)), (records, place, option) => {
      const record = records[place % records.length]!;
      const request = requestOf(record);
      const changed = { ...request, ...CHANGES[option]?.(request) };
      expect(() => cassetteOf(...records).check(changed)).toThrow(
        expect.objectContaining({
          code: "no-recording",
          message: expect.stringMatching(
            new RegExp(
              `nearest of its ${records.length} recordings is ${record.id}: its ${option} is [^;]*, not [^;]*\\.$`,
            ),
          ),
        }),
      );
    }),
    { numRuns: 100 },
  );
});

test("what a request leaves out is what it was; a seed that was drawn, or draws nothing, is any", async () => {
  const cassette = cassetteOf(saying(" Paris."));
  const bare = { ...REQUEST, sampling: {}, maxNewTokens: Number.MAX_SAFE_INTEGER, seed: 5, isSeedDrawn: true };
  expect(await answer(cassette, bare)).toBe(" Paris.");
  expect(() => cassette.check({ ...bare, isSeedDrawn: false })).toThrow(/its seed is 3405691582, not 5\.$/);
  const greedy = cassetteOf(saying(" Paris.", { options: { ...RECORD.options!, temperature: 0 } }));
  expect(await answer(greedy, { ...bare, isSeedDrawn: false })).toBe(" Paris.");
});

test("a limit that was not reached may be larger, one that was may not", async () => {
  const more = { ...REQUEST, maxNewTokens: REQUEST.maxNewTokens + 1 };
  expect(await answer(cassetteOf(saying(" Paris.")), more)).toBe(" Paris.");
  expect(() => cassetteOf(saying(" Paris.", { finish_reason: "length" })).check(more)).toThrow(
    /its max_new_tokens is 128, not 129\.$/,
  );
});

test("several recordings of one request are told in their order, and the last one from then on", async () => {
  const cassette = cassetteOf(saying("one"), saying("other", { prompt: "?" }), saying("two"), saying("three"));
  const answers: string[] = [];
  for (let turn = 0; turn < 5; turn++) answers.push(await answer(cassette, REQUEST));
  expect(answers).toEqual(["one", "two", "three", "three", "three"]);
});

test("an answer that another engine began goes on with the same recording", async () => {
  const cassette = cassetteOf(saying("one"), saying("two"));
  await told(cassette, REQUEST);
  const second = await told(cassette, REQUEST);
  const continued = second.flatMap((event) => (event.type === "token" ? [event.tokenId] : []));
  const again = { ...REQUEST, continued: continued.slice(0, 1) };
  expect(await told(cassetteOf(saying("one"), saying("two")), again)).toEqual(second);
});

test("of another prompt it is said from where on it differs", () => {
  const cassette = cassetteOf(
    saying("", { prompt: "Once upon a time", id: "story" }),
    saying(" Paris.", { id: "paris" }),
  );
  const italy = { ...REQUEST, prompt: { type: "text", text: "What is the capital of Italy?" } } as const;
  expect(() => cassette.check(italy)).toThrow(
    `${WHERE} has no answer to this request. The nearest of its 2 recordings is paris: ` +
      'its prompt goes on with "France?" after 23 characters, not with "Italy?".',
  );
  const chat = { type: "chat", messages: [{ role: "user", content: "Hi" }], instruction: false } as const;
  expect(() => cassette.check({ ...REQUEST, prompt: chat })).toThrow(/its prompt is a text, not a conversation\./);
});

test("records of every version can be told, and only those that are whole", async () => {
  const none = [
    saying("", { finish_reason: "cancelled" }),
    saying("", { finish_reason: null }),
    saying("", { finish_reason: "error", error: { code: "engine-failed", detail: "", status: 500 } }),
    saying("", { level: "metadata", prompt: null }),
    saying("", { redacted: 1 }),
  ];
  expect(() => cassetteOf(...none).check(REQUEST)).toThrow(/It has no recordings: only what ended by itself/);
  for (const old of [SCHEMA_1, SCHEMA_2, SCHEMA_3]) {
    expect(await answer(cassetteOf({ ...old, queue_ms: 0, ttft_ms: 0 }), requestOf(upgradeRecord(old)))).toBe(
      " Paris.",
    );
  }
});

test("a file that is none is named, line by line", () => {
  expect(() => createCassette("paris", `${asJsonl([RECORD])}\n{"schema": 5}\nnot json`, WHERE)).toThrow(
    expect.objectContaining({
      code: "model-broken",
      message: expect.stringMatching(
        /^\/cassettes\/paris\.jsonl is no cassette: line 3 \(id: .*\); line 4 \(not JSON\)\./,
      ),
    }),
  );
});

test("a recording that is nested without end is named like others", () => {
  const nested = `{"a": ${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
  expect(() => createCassette("paris", nested, WHERE)).toThrow(
    expect.objectContaining({ code: "model-broken", message: expect.stringContaining("line 1 (nested more than") }),
  );
});

test("what no recording has is refused", () => {
  const cassette = cassetteOf(saying(" Paris."));
  expect(() => cassette.check({ ...REQUEST, logprobs: 0 })).toThrow(/no log-probabilities/);
  const ids = { ...REQUEST, prompt: { type: "tokens", tokenIds: [1] }, echo: true } as const;
  expect(() => cassette.check(ids)).toThrow(/Leave out echo/);
});
