import type { AddedToken, Splitter, Tokenizer } from "./tokenizer.ts";

/**
 * Which control tokens that are spelled out in a text are read as such: in a prompt `all`, in a chat those that its
 * template wrote and no message did, or `none`.
 */
export type ControlTokens = "all" | "unquoted" | "none";

/** Around what is quoted. Noncharacters are for a program's own use. https://www.unicode.org/faq/private_use.html */
const OPEN = "\uFDD0";
const CLOSE = "\uFDD1";
const MARKS = /[\uFDD0\uFDD1]/g;

export const withoutMarks = (text: string): string => text.replace(MARKS, "");

export interface ControlTokenQuoter {
  /** Texts in which each control token is quoted, also one that only stands there once they are joined; else `null`. */
  quote(texts: readonly string[]): readonly string[] | null;
  /** What reads a text so, and how the text is to be written for that. */
  prepare(text: string, control: ControlTokens): { readonly tokenizer: Tokenizer; readonly text: string };
}

/**
 * Tells control tokens that a template writes from those that stand in a message. A message is quoted before it is
 * rendered: marks around the control tokens in it keep the tokenizer from finding them, and are taken out before the
 * text is cut into words. What a template does with a message (trims it, looks into it) it does as ever.
 */
export function createControlTokenQuoter(
  tokenizer: Tokenizer,
  isControl: (token: AddedToken) => boolean,
): ControlTokenQuoter {
  const controls = tokenizer.added_tokens.filter(isControl);
  const names = controls.map(({ content }) => content);
  const quoting = quotingTokenizer(tokenizer, new Set(names));
  // The longest first, as the tokenizer looks for them; in any case if a normaliser may change that before.
  const flags = controls.some(({ normalized }) => normalized) ? "giu" : "gu";
  const anyOf = names
    .sort((a, b) => b.length - a.length)
    .map((name) => name.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"))
    .join("|");
  // With white space up to the text around: a template that takes a token out can trim what is left, as ever.
  const spaced = new RegExp(`(?:(?<=\\S)\\s+)?(?:${anyOf})(?:\\s+(?=\\S))?`, flags);
  const rendered = new RegExp(`${OPEN}(\\s*)(${anyOf})(\\s*)${CLOSE}`, flags);

  // The beginning of a text might end what the text before it began, so that is marked as well.
  const quoted = (text: string): string =>
    text.replace(MARKS, "\uFFFD").replace(spaced, `${OPEN}$&${CLOSE}`).replace(/\S/, `${OPEN}$&`);

  const quote = (texts: readonly string[]): readonly string[] | null => {
    const joined = texts.map((text) => text.trim()).join("");
    return controls.length > 0 && joined.search(spaced) !== -1 ? texts.map(quoted) : null;
  };
  return {
    quote,
    prepare(text, control) {
      const marked = control === "none" ? quote([text])?.[0] : control === "unquoted" ? text : undefined;
      if (marked === undefined) return { tokenizer, text };
      return { tokenizer: quoting, text: marked.replace(rendered, `$1${OPEN}$2${CLOSE}$3`) };
    },
  };
}

/** Reads what is quoted as text. */
function quotingTokenizer(tokenizer: Tokenizer, names: ReadonlySet<string>): Tokenizer {
  const added = tokenizer.added_tokens_map;

  /** Joins what is quoted to the text around it. */
  const joining = (splitter: Splitter): Splitter => ({
    split(text) {
      const sections: string[][] = [];
      let isText = false;
      let at = 0;
      for (const part of splitter.split(text)) {
        const token = added.get(part);
        const isToken =
          token && !(names.has(token.content) && text[at - 1] === OPEN && text[at + part.length] === CLOSE);
        if (isText && !isToken) sections.at(-1)?.push(part);
        else sections.push([part]);
        isText = !isToken;
        at += part.length;
      }
      return sections.map((parts) => parts.join(""));
    },
  });

  /** The vocabulary of some models has control tokens among its pieces. Such a piece is cut in two. */
  const spell = (words: readonly string[]): string[] =>
    tokenizer.model(words).flatMap((piece) => {
      const [first = "", ...rest] = piece;
      if (!names.has(piece) || piece === tokenizer.model.unk_token || rest.length === 0) return [piece];
      return spell([first, rest.join("")]);
    });

  return Object.assign(Object.create(tokenizer) as Tokenizer, {
    splitter_unnormalized: joining(tokenizer.splitter_unnormalized),
    splitter_normalized: joining(tokenizer.splitter_normalized),
    clean: withoutMarks,
    model: Object.assign((words: readonly string[]) => spell(words), tokenizer.model),
  });
}
