import fc from "fast-check";
import { expect, test } from "vitest";
import { createMemoryLog } from "../../logs-export/memory-log.ts";
import { RECORDS } from "../../tests/fixtures/any-record.ts";
import { START } from "../../tests/fixtures/start-event.ts";
import { createJournal } from "../exchange.ts";
import type { TokenEvent } from "../protocol.ts";
import { PRIVATE_KINDS } from "./find-private.ts";
import { isLogRecord, type LogRecord } from "./log-schema.ts";
import { createRedactor } from "./redact.ts";
import { createEventRedactor, redactRecord } from "./redact-record.ts";

const REDACTOR = createRedactor({ kinds: PRIVATE_KINDS, patterns: [] })!;
const SECRET = "jane.doe@example.com";

test("`redactRecord()` leaves a record without a secret in any of its texts, and says how many there were", () => {
  fc.assert(
    fc.property(RECORDS, (record) => {
      const told: LogRecord = {
        ...record,
        prompt: `I am ${SECRET}`,
        messages: [{ role: "user", content: `${SECRET}, ${SECRET}` }],
        response: `Hello ${SECRET}!`,
        error: { code: "bad-request", detail: `not "${SECRET}"`, status: 400 },
        options: {
          ...({} as NonNullable<LogRecord["options"]>),
          format: { type: "schema", schema: { properties: { [SECRET]: { const: SECRET } } } },
          stop: [SECRET],
        },
      };
      const redacted = redactRecord(told, REDACTOR);
      expect(JSON.stringify(redacted)).not.toContain(SECRET);
      expect(redacted).toMatchObject({
        prompt: "I am [email]",
        messages: [{ role: "user", content: "[email], [email]" }],
        response: "Hello [email]!",
        options: { stop: ["[email]"] },
        redacted: 8,
      });
      expect(isLogRecord({ ...redacted, options: null })).toBe(true);
    }),
  );
});

test("token ids of a prompt tell all of it, and are not kept", () => {
  const [record] = fc.sample(RECORDS, 1);
  expect(redactRecord({ ...record!, prompt: [15496, 995] }, REDACTOR).prompt).toBeNull();
});

const start: TokenEvent = {
  ...START,
  options: { ...START.options, stop: [SECRET] },
  echo: { text: SECRET, tokens: null },
};

test("lengths of tokens are not those of a text in which something was replaced", () => {
  const [record] = fc.sample(RECORDS, 1);
  const plain: LogRecord = {
    ...record!,
    prompt: "Hi",
    messages: null,
    response: "Hello",
    error: null,
    tokens: [[5, 1]],
  };
  expect(redactRecord(plain, REDACTOR).tokens).toEqual([[5, 1]]);
  expect(redactRecord({ ...plain, response: SECRET, tokens: [[20, 1]] }, REDACTOR).tokens).toBeNull();
});

test("events of an answer that grows never have a piece of a secret, whatever is written at a time", () => {
  const text = `Write to ${SECRET} or to 4111 1111 1111 1111. ${"and so on ".repeat(40)}${SECRET}`;
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (sizes) => {
      const redactEvents = createEventRedactor(REDACTOR);
      const stored = [...redactEvents([start])];
      for (let from = 0, turn = 0; from < text.length; turn++) {
        const size = sizes[turn % sizes.length]!;
        const events = [...text.slice(from, from + size)].map(
          (character, place): TokenEvent => ({
            type: "token",
            index: from + place,
            tokenId: character.charCodeAt(0),
            text: character,
            score: { tokenId: 5, text: character, logprob: -1, top: [] } as never,
          }),
        );
        stored.push(...redactEvents(events));
        from += size;
      }
      const said = stored.flatMap((event) => (event.type === "token" ? [event.text] : [])).join("");
      expect(REDACTOR.redact(text).text.startsWith(said)).toBe(true);
      expect(said).toContain("Write to [email] or to [card]. and so on");
      expect(stored.filter((event) => event.type === "token")).toHaveLength(text.length);
      for (const event of stored) if (event.type === "token") expect([event.tokenId, event.score]).toEqual([0, null]);
      expect(JSON.stringify(stored)).not.toContain(SECRET);
    }),
  );
});

test("a stream of which not all is stored is not kept for another request", async () => {
  const log = createMemoryLog();
  const journal = createJournal({ log, now: Date.now, newId: () => "id-1", host: "node", onBusy: () => {} });
  const exchange = journal.newExchange(new Request("http://x/generate/stream", { method: "POST" }), "tab-1");
  exchange.rules = { level: "full", redactor: REDACTOR };
  exchange.begin({ prompt: SECRET }, { path: "", accept: "", body: { prompt: SECRET }, seed: 1, conversationId: null });
  expect(await log.kept("id-1")).toBeNull();
  await exchange.end({ finish_reason: "stop" });
  expect(log.records).toMatchObject([{ prompt: "[email]", redacted: 1 }]);
});
