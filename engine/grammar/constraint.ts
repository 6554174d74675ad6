import { VaultError } from "../../core/errors.ts";
import type { OutputFormat } from "../../core/protocol.ts";
import { atOnce } from "../in-slices.ts";
import type { Constraint } from "../model.ts";
import type { Vocabulary } from "../vocabulary.ts";
import { type ByteText, byteText } from "./byte-text.ts";
import { startOf } from "./grammar.ts";
import type { Schema } from "./schema.ts";
import { createSpeller, type Speller } from "./spell.ts";
import type { State } from "./state.ts";
import { createTokenMask, type TokenMask } from "./token-mask.ts";

/** What a vocabulary is prepared for once. */
interface Tokens {
  /** By id; "" for those that are no text. */
  readonly texts: readonly ByteText[];
  readonly endTokenId: number;
  readonly mask: TokenMask;
  readonly spell: Speller;
}

/** Grammars over one vocabulary: all that is written by them is JSON, and ends within the tokens that are allowed. */
export function createConstrainer(
  { bytes, specialIds }: Vocabulary,
  endTokenId: number,
): (format: OutputFormat) => Constraint {
  const special = new Set([...specialIds, endTokenId]);
  const texts = bytes.map((one, id) => (special.has(id) ? "" : byteText(one)));
  const tokens: Tokens = { texts, endTokenId, mask: createTokenMask(texts), spell: createSpeller(texts) };
  return (format) => {
    if (endTokenId < 0) throw new VaultError("bad-request", "The model has no end token, which a format needs.");
    const schema = format.type === "json" ? { type: "object" as const } : (format.schema as Schema);
    return new JsonConstraint(tokens, startOf(schema));
  };
}

class JsonConstraint implements Constraint {
  readonly #tokens: Tokens;
  #state: State;
  /** Tokens that lead to the end; no fewer are known. There is always room for them. */
  #way: readonly number[];
  /** Of this state, once it was looked for. */
  #allowed: Uint8Array | undefined;

  constructor(tokens: Tokens, start: State) {
    const way = tokens.spell(start.ending());
    if (!way) throw new VaultError("bad-request", "The model's vocabulary cannot spell what the schema requires.");
    this.#tokens = tokens;
    this.#state = start;
    this.#way = way;
  }

  get shortest(): number {
    return this.#way.length;
  }

  *look(): Generator<void, void> {
    this.#allowed = yield* this.#tokens.mask(this.#state);
  }

  mask = (logits: Float32Array): void => {
    const { endTokenId } = this.#tokens;
    const allowed = this.#allowed ?? atOnce(this.#tokens.mask(this.#state));
    const mayEnd = this.#state.ending() === "";
    for (let id = 0; id < logits.length; id++) {
      if (allowed[id] !== 1 && !(mayEnd && id === endTokenId)) logits[id] = Number.NEGATIVE_INFINITY;
    }
  };

  take(chosen: number, left: number): number {
    this.#allowed = undefined;
    const { endTokenId, spell } = this.#tokens;
    if (chosen === endTokenId && this.#state.ending() === "") return endTokenId;
    const state = this.#after(chosen);
    const way = state && spell(state.ending());
    if (state && way && way.length <= left) {
      this.#state = state;
      this.#way = way;
      return chosen;
    }
    const [next = endTokenId, ...rest] = this.#way;
    this.#state = this.#after(next) ?? this.#state;
    this.#way = rest;
    return next;
  }

  /** Where a token leads; `null` if the grammar does not allow it. */
  #after(tokenId: number): State | null {
    const text = this.#tokens.texts[tokenId] ?? "";
    let state = text === "" ? null : this.#state;
    for (let at = 0; at < text.length && state; at++) state = state.step(text.charCodeAt(at));
    return state;
  }
}
