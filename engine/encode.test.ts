import { readFileSync } from "node:fs";
import { PreTrainedTokenizer } from "@huggingface/transformers";
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeSteps } from "./encode.ts";
import { atOnce, inSlices } from "./in-slices.ts";
import { mergePairs } from "./merge-pairs.ts";
import type { Tokenizer } from "./tokenizer.ts";

const read = (path: string) => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));

/** A tokenizer, and the library's own answer. */
function tokenizerOf(json: object, config: object = {}) {
  const library = new PreTrainedTokenizer(json, config);
  const tokenizer = (library as unknown as { _tokenizer: Tokenizer })._tokenizer;
  return {
    tokenizer,
    whole: (text: string, special = true) => library.encode(text, { add_special_tokens: special }),
    inSteps: (text: string, special = true) => atOnce(encodeSteps({ tokenizer, text }, special)),
  };
}

const BYTES = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
const PIECES = ["▁", "a", "b", "e", "n", ".", "▁a", "▁b", "an", "▁an", "▁▁", "▁▁▁▁", "aa", "aaaa", "ba", "ban", "▁ban"];
const MERGES = [
  ["▁", "▁"],
  ["▁▁", "▁▁"],
  ["a", "n"],
  ["▁", "a"],
  ["a", "a"],
  ["▁", "b"],
  ["▁", "an"],
  ["b", "a"],
  ["b", "an"],
  ["aa", "aa"],
  ["▁b", "an"],
];

/** As those of Llama 2 and Mistral are, in small. */
const sentencePiece = (parts: object) => ({
  added_tokens: ["<unk>", "<s>", "</s>"].map((content, id) => ({ id, content, special: true, normalized: false })),
  model: {
    type: "BPE",
    unk_token: "<unk>",
    fuse_unk: true,
    byte_fallback: true,
    vocab: Object.fromEntries(["<unk>", "<s>", "</s>", ...BYTES, ...PIECES].map((piece, id) => [piece, id])),
    merges: MERGES,
  },
  decoder: null,
  normalizer: null,
  pre_tokenizer: null,
  post_processor: {
    type: "TemplateProcessing",
    single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
    pair: [],
    special_tokens: {},
  },
  ...parts,
});
const SPACES = { type: "Replace", pattern: { String: " " }, content: "▁" };
const withoutBytes = sentencePiece({ normalizer: SPACES });
const BYTE_LEVEL = { type: "ByteLevel", add_prefix_space: false, use_regex: false };
const LLAMA_3 =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const gpt2 = read("../tests/fixtures/merged-decoder/tokenizer.json");

const TOKENIZERS: Record<string, object> = {
  "the embedded model's": read("../public/models/minivault-demo/tokenizer.json"),
  "GPT-2's": gpt2,
  "Llama 3's": {
    ...gpt2,
    normalizer: { type: "NFC" },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [{ type: "Split", pattern: { Regex: LLAMA_3 }, behavior: "Isolated", invert: false }, BYTE_LEVEL],
    },
  },
  "one with a prefix": { ...gpt2, pre_tokenizer: { ...BYTE_LEVEL, add_prefix_space: true, use_regex: true } },
  "Llama 2's": sentencePiece({
    normalizer: { type: "Sequence", normalizers: [{ type: "Prepend", prepend: "▁" }, SPACES] },
  }),
  "Mistral's": sentencePiece({ pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: "first" } }),
  "one that knows few characters": {
    ...withoutBytes,
    model: { ...withoutBytes.model, byte_fallback: false },
    pre_tokenizer: { type: "WhitespaceSplit" },
  },
};

const word = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: "binary" }),
  fc.constantFrom(
    "banana",
    " ban an",
    "a.",
    "a",
    " ",
    "\n",
    "\r\n \t",
    "'ll",
    "'",
    "1234567",
    "é",
    "日本語",
    "👍🏽",
    "</s>",
  ),
  fc.constantFrom("<|endoftext|>", "e\u0301", "\ufeff", "\ud83d", "!\n\n", "aaaaaaaa"),
);
/** Long enough for several windows, and for words that are longer than one. */
const text = fc
  .array(fc.tuple(word, fc.constantFrom(1, 1, 2, 30, 3000)), { maxLength: 8 })
  .map((parts) => parts.map(([one, times]) => one.repeat(Math.min(times, 40_000 / (one.length + 1)))).join(""));

for (const [name, json] of Object.entries(TOKENIZERS)) {
  test(`a text that is read step by step has the tokens that it has in one piece: ${name}`, () => {
    const { whole, inSteps } = tokenizerOf(json);
    fc.assert(
      fc.property(text, fc.boolean(), (text, special) => {
        expect(inSteps(text, special)).toEqual(whole(text, special));
      }),
      { numRuns: 25, examples: [[` ${"a.".repeat(9000)}`, true]] }, // a window that begins without a space
    );
  });
}

test("pairs are merged as the library merges them, in words of any length", () => {
  const { tokenizer } = tokenizerOf(gpt2);
  const { model } = tokenizer as unknown as { model: { bpe(word: string): string[]; clear_cache(): void } };
  const ranks = tokenizer.model.bpe_ranks!;
  const letters = fc.string({ unit: fc.constantFrom("a", "n", "t", "h", "e", "i", "Ġ", "s"), maxLength: 400 });
  fc.assert(
    fc.property(letters, (word) => {
      model.clear_cache();
      expect(atOnce(mergePairs(ranks, word))).toEqual(model.bpe(word));
    }),
  );
});

test("long work lets others have their turn, and those who work at the same time go on together", async () => {
  let turns = 0;
  const ticking = setInterval(() => turns++, 0);
  let ended = 0;
  function* work(isOver: () => boolean): Generator<void, number> {
    while (!isOver()) yield;
    return ++ended;
  }
  // Neither would ever end if it kept the event loop, or the other one, from going on.
  const first = inSlices(work(() => turns >= 3 && ended === 1));
  const second = inSlices(work(() => turns >= 2));
  expect(await Promise.all([first, second])).toEqual([2, 1]);
  clearInterval(ticking);
});

test("a cancel ends the work between two slices", async () => {
  const cancelling = new AbortController();
  function* endless(): Generator<void, never> {
    for (;;) yield;
  }
  const work = inSlices(endless(), cancelling.signal);
  setImmediate(() => cancelling.abort(new Error("gone")));
  await expect(work).rejects.toThrow("gone");
});
