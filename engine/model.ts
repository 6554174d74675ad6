import type { ChatMessage, Device, Fallback, ModelCard, OutputFormat, SelfCheck } from "../core/protocol.ts";
import type { ControlTokens } from "./control-tokens.ts";
import type { Mask } from "./sampling/choose-token.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** What is known of a model before its weights are loaded. */
export type TextCard = Omit<ModelCard, "precision" | "sizeBytes" | "digest" | "loadedMs">;

/** How a model reads and writes: its tokenizer and templates, a few megabytes without the weights. */
export interface TextModel {
  readonly card: TextCard;
  /** Any of these ends a text. */
  readonly endTokenIds: readonly number[];
  /** Whether it came with a chat template; a plain one serves else. */
  readonly readsChats: boolean;
  /** Texts that end a turn of a chat, beside the end tokens. */
  readonly chatStop: readonly string[];
  vocabulary(): Vocabulary;
  /** No token spells more bytes of a text; `null` where the tokenizer may leave some of it out. */
  longestToken(): number | null;
  /**
   * Token ids of a text. A long one keeps nobody from going on.
   *
   * @param special with the tokens that the tokenizer puts around a prompt
   * @param control `all` if left out
   */
  encode(text: string, special: boolean, control?: ControlTokens, cancelled?: AbortSignal): Promise<number[]>;
  /** `special`: with the tokens that are no text, spelled out. */
  decode(tokenIds: readonly number[], special?: boolean): string;
  /** The messages by the model's chat template, up to where its answer begins. */
  renderChat(messages: readonly ChatMessage[]): RenderedChat;
  /** Throws a `bad-request` if the format asks for what no grammar can enforce. */
  constrain(format: OutputFormat): Constraint;
}

export interface RenderedChat {
  readonly text: string;
  /** How `encode` is to read the text: control tokens that stand in messages are quoted in it. */
  readonly control: ControlTokens;
}

/** What generation needs from a model: token ids and logits, no tensors. */
export interface LanguageModel extends TextModel {
  readonly card: ModelCard;
  readonly device: Device;
  readonly threads: number;
  /** Set when another device than the wanted one had to do. */
  readonly fallback: Fallback | null;
  /** What this device does badly with such weights, as a sentence. */
  readonly caution?: string | null;
  readonly selfCheck: SelfCheck;
  createCache(): KvCache;
  /**
   * Runs `tokenIds` after what `cache` holds, and adds them to it.
   * Returns the logits of the last `rows` positions (one if left out), row after row, one number per entry of the
   * vocabulary; the caller may change them.
   */
  forward(tokenIds: readonly number[], cache: KvCache, rows?: number): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** Keys and values of the tokens that a generation has seen. One per generation, so that two never mix. */
export interface KvCache {
  readonly length: number;
  dispose(): void;
}

/** A grammar at work on one answer. */
export interface Constraint {
  /** Tokens that it takes at least to end what is there; 0 if it is whole. */
  readonly shortest: number;
  /** Works out in steps what `mask` is to forbid, which does it in one else. */
  look(): Generator<void, void>;
  readonly mask: Mask;
  /**
   * Takes the token that was chosen; or, if what it begins could not be ended within `left` tokens, the next one of the
   * shortest way to the end. Returns the token that was taken.
   */
  take(tokenId: number, left: number): number;
}
