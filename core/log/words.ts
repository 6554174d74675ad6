import type { LogRecord } from "./log-schema.ts";

/** Scripts that put no spaces between words: each character counts as one. */
const ALONE =
  "[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}]";
const WORD = new RegExp(`${ALONE}|(?:(?!${ALONE})[\\p{L}\\p{M}\\p{N}])+`, "gu");

/** The words of a text, as they are compared. */
export const wordsOf = (text: string): ReadonlySet<string> =>
  new Set(text.normalize("NFKC").toLowerCase().match(WORD) ?? []);

/** What was asked and answered. */
export function textsOf({ prompt, messages, response }: LogRecord): string {
  const asked = typeof prompt === "string" ? [prompt] : (messages ?? []).map(({ content }) => content);
  return [...asked, response].join("\n");
}
