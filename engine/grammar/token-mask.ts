import { type ByteText, bytesOf } from "./byte-text.ts";
import type { State } from "./state.ts";

/** Which tokens may come next, by id: 1 or 0. A large schema takes many steps. */
export type TokenMask = (state: State) => Generator<void, Uint8Array>;

/**
 * Works out which tokens of a vocabulary a grammar allows.
 *
 * @param texts of the tokens; "" is never allowed
 */
export function createTokenMask(texts: readonly ByteText[]): TokenMask {
  const lengths = texts.map(charactersOf);
  const sorted = texts.map((text, id) => ({ text, id })).sort((a, b) => (a.text < b.text ? -1 : 1));
  const all = toRead(sorted.filter(({ text }) => text !== ""));
  const exceptional = toRead(sorted.filter(({ text, id }) => text !== "" && lengths[id] === 0));

  return function* (state) {
    const allowed = new Uint8Array(texts.length);
    const { room } = state;
    if (room !== undefined) {
      // Most tokens are words: in a string they may come, and nothing has to be read.
      for (let id = 0; id < allowed.length; id++) allowed[id] = lengths[id]! > 0 && lengths[id]! <= room ? 1 : 0;
    }
    yield* read(state, room === undefined ? all : exceptional, allowed);
    return allowed;
  };
}

interface Token {
  readonly id: number;
  readonly bytes: Uint8Array;
  /** How many bytes it begins with that the one before it begins with too. */
  readonly shared: number;
}

function toRead(sorted: ReadonlyArray<{ readonly text: ByteText; readonly id: number }>): readonly Token[] {
  return sorted.map(({ text, id }, index) => {
    const before = sorted[index - 1]?.text ?? "";
    let shared = 0;
    while (shared < text.length && text[shared] === before[shared]) shared++;
    return { id, bytes: bytesOf(text), shared };
  });
}

/** Reads each token from where it differs from the one before. */
function* read(start: State, tokens: readonly Token[], allowed: Uint8Array): Generator<void, void> {
  const states = [start];
  for (const { id, bytes, shared } of tokens) {
    if (shared >= states.length) continue; // it begins as the last one did up to where that failed
    states.length = shared + 1;
    yield;
    for (let at = shared; at < bytes.length; at++) {
      const next = states[at]!.step(bytes[at]!);
      if (next === null) break;
      states.push(next);
    }
    if (states.length > bytes.length) allowed[id] = 1;
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Of how many whole characters a token is, if it may come anywhere in a JSON string; else 0. */
function charactersOf(text: ByteText): number {
  if (/^[\x20\x21\x23-\x5b\x5d-\x7f]*$/.test(text)) return text.length;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them
  if (/[\x00-\x1f"\\]/.test(text)) return 0;
  try {
    return [...utf8.decode(bytesOf(text))].length;
  } catch {
    return 0;
  }
}
