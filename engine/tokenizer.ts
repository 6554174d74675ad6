/** The tokenizer of Transformers.js, as far as it is taken apart here: https://github.com/huggingface/tokenizers.js */
export interface Normalizer {
  readonly type?: string;
  readonly normalizers?: readonly Normalizer[];
  readonly pattern?: { readonly String?: string };
  readonly content?: string;
}

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
  readonly lstrip?: boolean;
  readonly rstrip?: boolean;
  /** It is looked for in what the normaliser makes of a text. */
  readonly normalized: boolean;
}

/** Cuts a text around the added tokens in it. */
export interface Splitter {
  split(text: string): string[];
}

/** The parts of the library's tokenizer that a text goes through, in this order. */
export interface Tokenizer {
  /** Cuts around added tokens, normalises, and gives the rest to `pre_tokenizer` and `model`. */
  encode_text(text: string | null): string[] | null;
  readonly splitter_unnormalized: Splitter;
  readonly splitter_normalized: Splitter;
  /** Of ours only: takes out what is no part of a text, once it is known where the added tokens are. */
  readonly clean?: (text: string) => string;
  readonly pre_tokenizer: ((text: string, options: object) => string[]) | null;
  readonly model: WordModel;
  readonly added_tokens: readonly AddedToken[];
  /** By their text, also as the normaliser writes it. */
  readonly added_tokens_map: ReadonlyMap<string, AddedToken>;
  readonly decoder: Decoder | null;
  id_to_token(id: number): string | undefined;
  readonly remove_space?: boolean;
  /** Its file. */
  readonly tokenizer: { readonly normalizer: Normalizer | null };
  encode(text: string, options: { add_special_tokens: boolean }): { readonly ids: number[]; readonly tokens: string[] };
}

export interface Decoder {
  readonly decoders?: readonly Decoder[];
  text_decoder?: TextDecoder;
}

export interface WordModel {
  (words: readonly string[]): string[];
  readonly tokens_to_ids: ReadonlyMap<string, number>;
  readonly unk_token?: string;
  readonly unk_token_id?: number;
  readonly fuse_unk?: boolean;
  readonly byte_fallback?: boolean;
  /** Of byte-pair encoding only, as the three below. */
  readonly bpe_ranks?: ReadonlyMap<string, number>;
  readonly cache?: { put(word: string, tokens: readonly string[]): void; clear(): void };
  readonly end_of_word_suffix?: string | null;
  readonly continuing_subword_suffix?: string | null;
}
