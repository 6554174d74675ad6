import fc from "fast-check";
import { expect, test } from "vitest";
import { createMemoryLog } from "../../logs-export/memory-log.ts";
import { RECORDS } from "../../tests/fixtures/any-record.ts";
import { type LogQuery, parseQuery, placeOf } from "./log-query.ts";
import type { LogRecord, LogSink } from "./log-record.ts";
import { wordsOf } from "./words.ts";

const VALUES = [
  "2026-11-21",
  "2026-11-21T10:00Z",
  "2026-11-21T10:00:00.5+01:00",
  "full",
  "stop",
  "asc",
  "5",
  "1:a",
  "0",
  "",
];
const NAMES = ["from", "to", "model", "mode", "finish_reason", "q", "order", "limit", "cursor"];

test("any query is read, or refused with the name of what is wrong", () => {
  const value = fc.oneof(fc.constantFrom(...VALUES), fc.string());
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...NAMES), value), (given) => {
      try {
        const { fromNs, toNs, limit } = parseQuery(new URLSearchParams(given));
        for (const ns of [fromNs, toNs]) expect(ns ?? "0").toMatch(/^\d+$/);
        expect(limit).toBeGreaterThan(0);
      } catch (cause) {
        expect(cause).toMatchObject({ code: "bad-request" });
        expect(NAMES).toContain((cause as Error).message.split(" ")[0]);
      }
    }),
  );
});

test.each([
  ["What's the CAPITAL of Côte d’Ivoire?", ["what", "s", "the", "capital", "of", "côte", "d", "ivoire"]],
  ["ﬁle №12", ["file", "no12"]],
  ["東京 is ไทย", ["東", "京", "東京", "is", "ไ", "ท", "ไท", "ย", "ทย"]],
  ["エラー404", ["エ", "ラ", "エラ", "ー", "ラー", "404"]],
  ["ｴﾗｰ404、〆切", ["エ", "ラ", "エラ", "ー", "ラー", "404", "〆", "切", "〆切"]],
  ["葛\u{e0100}城GPT는", ["葛", "城", "葛城", "gpt", "는"]],
  ["မြန်မာ", ["မ", "ြ", "မြ", "န", "ြန", "်", "န်", "်မ", "ာ", "မာ"]],
  ["Donau\u00addampfer \u0301x", ["donaudampfer", "x"]],
  ["🙂 — ", []],
])("the words of %j", (text, words) => {
  expect([...wordsOf(text)]).toEqual(words);
});

test("any part of a text without spaces is found, whatever it stands beside; its characters in another order are not", () => {
  const texts = [
    "東京都の天気",
    "エラーコード",
    "서울에서는",
    "ภาษาไทย",
    "ພາສາລາວ",
    "ភាសាខ្មែរ",
    "မြန်မာဘာသာ",
    "ㄅㄆㄇ",
    "ꆈꌠꉙ",
  ];
  const beside = fc.constantFrom("", "404", "GPT", " ", "。", "é");
  fc.assert(
    fc.property(fc.constantFrom(...texts), fc.nat(), fc.nat(), beside, beside, (text, from, length, left, right) => {
      const characters = [...text];
      const start = from % characters.length;
      const part = characters.slice(start, start + 1 + (length % (characters.length - start))).join("");
      const has = wordsOf(left + text + right);
      expect([...wordsOf(part)].filter((word) => !has.has(word))).toEqual([]);
      for (const word of wordsOf(`${left} ${right}`)) expect(has).toContain(word);
    }),
  );
  expect(wordsOf("京都の東")).not.toContain("東京");
});

async function read(log: LogSink, query: LogQuery): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const page of log.read(query)) records.push(...page.map(({ record }) => record));
  return records;
}

test("any log, read in pages of any size, is the log, in either direction", async () => {
  const logs = fc.uniqueArray(RECORDS, { selector: ({ id }) => id, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(
      logs,
      fc.integer({ min: 1, max: 5 }),
      fc.constantFrom("asc", "desc"),
      async (records, limit, order) => {
        const log = createMemoryLog();
        await log.import(records);
        const query = (more: object) => parseQuery(new URLSearchParams({ order, ...more }));
        const whole = await read(log, query({}));
        const paged: LogRecord[] = [];
        for (let cursor = {}; ; ) {
          const page = await read(log, query({ limit: `${limit}`, ...cursor }));
          paged.push(...page);
          const last = page.at(-1);
          if (!last) break;
          const { ns, id } = placeOf(last);
          cursor = { cursor: `${ns}:${id}` };
        }
        expect(paged).toEqual(whole);
        expect(whole).toHaveLength(records.length);
      },
    ),
  );
});
