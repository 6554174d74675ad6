import type { Device, Fallback, Sampling } from "../core/protocol.ts";

/** What generation needs from a model: token ids and logits, no tensors. */
export interface LanguageModel {
  readonly name: string;
  readonly device: Device;
  readonly threads: number;
  readonly contextTokens: number;
  /** Any of these ends a text. */
  readonly endTokenIds: readonly number[];
  /** For what a request leaves open. */
  readonly defaults: Sampling;
  /** Set when another device than the wanted one had to do. */
  readonly fallback: Fallback | null;
  encode(text: string): number[];
  decode(tokenIds: readonly number[]): string;
  createCache(): KvCache;
  /**
   * Runs `tokenIds` after what `cache` holds, and adds them to it.
   * Returns the last position's logits, one per entry of the vocabulary; the caller may change them.
   */
  forward(tokenIds: readonly number[], cache: KvCache): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** Keys and values of the tokens that a generation has seen. One per generation, so that two never mix. */
export interface KvCache {
  readonly length: number;
  dispose(): void;
}
