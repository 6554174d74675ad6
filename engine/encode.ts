import { mergePairs } from "./merge-pairs.ts";
import type { Tokenizer, WordModel } from "./tokenizer.ts";

/** Characters that are cut into words at a time, and words that are looked up at a time: a millisecond or two each. */
const WINDOW = 8192;
const WORDS = 64;
/** A word from so many characters on is merged step by step. */
const LONG_WORD = 1024;
/** The last words of a window may be others once what follows is known. */
const UNSURE_WORDS = 8;

/**
 * The token ids of a text, as `tokenizer.encode()` has them, in short steps: its parts are run over one piece of the text
 * after the other. A megabyte takes the library seconds.
 */
export function* encodeSteps(
  { tokenizer, text }: { readonly tokenizer: Tokenizer; readonly text: string },
  special: boolean,
): Generator<void, number[]> {
  const ids: number[] = [];
  for (const section of sectionsOf(tokenizer, text)) {
    yield;
    if (typeof section === "string") ids.push(idOf(tokenizer, section));
    else yield* readSection(tokenizer, section, ids);
  }
  return around(tokenizer, ids, special);
}

/** What stands between added tokens. */
interface Section {
  readonly text: string;
  readonly options: object;
}

const derived = (tokenizer: Tokenizer, parts: object): Tokenizer => Object.assign(Object.create(tokenizer), parts);

function sectionsOf(tokenizer: Tokenizer, text: string): ReadonlyArray<string | Section> {
  const { clean = (text: string) => text } = tokenizer;
  const parts = {
    pre_tokenizer: (text: string, options: object) => [{ text: clean(text), options }],
    model: Object.assign((sections: readonly Section[]) => sections, tokenizer.model),
  };
  return derived(tokenizer, parts).encode_text(text) ?? [];
}

/** What the tokenizer puts around a text does not depend on it. */
function around(tokenizer: Tokenizer, ids: readonly number[], special: boolean): number[] {
  const parts = { encode_text: (text: string | null) => (text === null ? null : [TEXT]) };
  const whole = derived(tokenizer, parts).encode("", { add_special_tokens: special });
  const place = whole.tokens.indexOf(TEXT);
  return [...whole.ids.slice(0, place), ...ids, ...whole.ids.slice(place + 1)];
}

const TEXT = "\uFDD2";

const idOf = ({ added_tokens_map, model }: Tokenizer, token: string): number =>
  added_tokens_map.get(token)?.id ?? model.tokens_to_ids.get(token) ?? (model.unk_token_id as number);

function* readSection(tokenizer: Tokenizer, section: Section, ids: number[]): Generator<void, void> {
  const { model } = tokenizer;
  let isFirst = true;
  const add = (tokens: readonly string[]) => {
    tokens.forEach((token, index) => {
      const id = idOf(tokenizer, token);
      const isFused = index === 0 && model.fuse_unk && !isFirst && id === model.unk_token_id && ids.at(-1) === id;
      if (!isFused) ids.push(id);
      isFirst = false;
    });
  };
  for (const words of windows(tokenizer, section)) {
    yield;
    let some: string[] = [];
    for (const word of words) {
      if (word.length < LONG_WORD || !isMerged(model)) {
        if (some.push(word) < WORDS) continue;
      } else {
        add(model(some));
        some = [];
        for (const piece of piecesOf(yield* mergePairs(model.bpe_ranks, word))) {
          model.cache.put(piece.join(""), piece); // where the model finds it, and need not merge
          add(model([piece.join("")]));
          yield;
        }
        model.cache.clear(); // of what is as large as the text
      }
      add(model(some));
      some = [];
      yield;
    }
    add(model(some));
  }
}

const isMerged = (model: WordModel): model is WordModel & Required<Pick<WordModel, "bpe_ranks" | "cache">> =>
  model.bpe_ranks !== undefined && !model.end_of_word_suffix && !model.continuing_subword_suffix;

/** Each is longer than any token: none of them is one by itself. */
function* piecesOf(tokens: readonly string[]): Generator<readonly string[], void> {
  for (let at = 0; at < tokens.length; ) {
    const end = tokens.length - at < 2 * LONG_WORD ? tokens.length : at + LONG_WORD;
    yield tokens.slice(at, end);
    at = end;
  }
}

/**
 * A section's words, some at a time. The text is looked at through a window; all but the last words of that are kept, and
 * the next window begins where they end. Where the words are not all of the text (a prefix is added, white space is
 * dropped) nothing tells where they end, and the window becomes the whole section.
 */
function* windows({ pre_tokenizer: cut }: Tokenizer, { text, options }: Section): Generator<readonly string[], void> {
  if (text === "") return;
  if (!cut) return yield [text];
  if (cut("a", options).join("") !== "a") return yield cut(text, options); // a prefix is for the first window alone
  let at = 0;
  for (let size = WINDOW; at < text.length; ) {
    const part = text.slice(at, at + size);
    const words = cut(part, options);
    if (at + size >= text.length) return yield words;
    const sure = words.slice(0, -UNSURE_WORDS);
    const length = lengthOf(sure, words, part);
    if (length > 0) {
      yield sure;
      at += length;
      size = WINDOW;
    } else {
      yield [];
      size *= 2;
    }
  }
}

const utf8 = new TextEncoder();

/** How much of the text the first words are: words are the text itself, or have a character for each of its bytes. */
function lengthOf(words: readonly string[], all: readonly string[], text: string): number {
  const written = lengthOfAll(words);
  const whole = lengthOfAll(all);
  if (whole === text.length && all.join("") === text) return written;
  const bytes = utf8.encode(text);
  if (whole !== bytes.length) return 0;
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(0, written)).length;
}

const lengthOfAll = (words: readonly string[]): number => words.reduce((sum, word) => sum + word.length, 0);
