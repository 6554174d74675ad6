import type { LogRecord } from "./log-schema.ts";

/** To be raised when words are cut in another way: what was indexed before is indexed anew. */
export const WORD_RULES = 2;

/**
 * Scripts that put no spaces between words, as Unicode breaks their lines (ID and SA), and Hangul, whose words end in
 * particles. Marks of length and repetition that several of them share are of no script, or `エラー404` were one word.
 * Not `Intl.Segmenter`, whose words differ between engines. https://www.unicode.org/reports/tr14/#Table1
 */
const SCRIPTS = "Hani Hira Kana Bopo Hang Yiii Nshu Tang Thai Laoo Khmr Mymr Tale Talu Lana Tavt Ahom";
const DENSE = `[ー〆〼〱-〵${SCRIPTS.replace(/(\w+) ?/g, "\\p{sc=$1}")}]`;
const LETTER = "[\\p{L}\\p{M}\\p{N}]";
const WORD = new RegExp(`(?:(?=${LETTER})${DENSE})+|(?!\\p{M})(?:(?!${DENSE})${LETTER})+`, "gu");
const IS_DENSE = new RegExp(`^${DENSE}`, "u");
/** Neither is seen: hyphens at the end of a line, and variants of a character. */
const UNSEEN = /[\u00ad\p{Variation_Selector}]/gu;

/** The words of a text, as they are compared. Where nothing parts words, these are all characters, and all pairs of them. */
export function wordsOf(text: string): ReadonlySet<string> {
  const words = new Set<string>();
  for (const word of text.normalize("NFKC").toLowerCase().replace(UNSEEN, "").match(WORD) ?? []) {
    let before = "";
    for (const part of IS_DENSE.test(word) ? word : [word]) {
      words.add(part);
      if (before) words.add(before + part);
      before = part;
    }
  }
  return words;
}

/** What was asked and answered. */
export function textsOf({ prompt, messages, response }: LogRecord): string {
  const asked = typeof prompt === "string" ? [prompt] : (messages ?? []).map(({ content }) => content);
  return [...asked, response].join("\n");
}
