import type { ByteText } from "./byte-text.ts";
import type { Schema } from "./schema.ts";
import type { Shortest } from "./shortest-json.ts";

/** A place in a text that is being written. There is always a way from it to the end. */
export interface State {
  /** The shortest text from here to the end; "" if the text may end here. */
  ending(): ByteText;
  /** The place after one more byte; `null` if that byte may not come here. */
  step(byte: number): State | null;
  /** Between two characters of a string: how many more may come, whatever they are. */
  readonly room?: number;
  /** What it is made of, if it is several places at once. */
  readonly places?: readonly State[];
}

/** What the parts of a grammar need to know of the whole. */
export interface Grammar {
  readonly shortest: Shortest;
  /** A value of the schema, and what follows it. */
  value(schema: Schema, then: State, depth: number): State;
}

/** More places at once than this are not followed: the farthest from the end are given up. */
const MAX_STATES = 64;

/** Nothing may follow. */
export const END: State = { ending: () => "", step: () => null };

export const literal = (text: ByteText, then: State): State => words([{ text, next: () => then }]);

export interface Word {
  readonly text: ByteText;
  readonly next: () => State;
}

/** One of several different texts, of which the first `from` bytes are written, and what follows it. */
export function words(choice: readonly Word[], from = 0): State {
  return {
    ending: () => shortest(choice.map(({ text, next }) => text.slice(from) + next().ending())),
    step(byte) {
      const left = choice.filter(({ text }) => text.charCodeAt(from) === byte);
      const whole = left.find(({ text }) => text.length === from + 1);
      const longer = left.filter(({ text }) => text.length > from + 1);
      return either([whole?.next() ?? null, longer.length > 0 ? words(longer, from + 1) : null]);
    },
  };
}

/** What follows a comma or a colon: a space may come first, as models are used to. */
export const spaced = (state: State): State => ({
  ending: () => state.ending(),
  step: (byte) => (byte === 0x20 ? state : state.step(byte)),
});

/** In several places at once, as long as the text does not tell which; `null` in none. */
export function either(states: ReadonlyArray<State | null>): State | null {
  let places = states.flatMap((state) => state?.places ?? state ?? []);
  if (places.length < 2) return places[0] ?? null;
  if (places.length > MAX_STATES) {
    const lengths = new Map(places.map((state) => [state, state.ending().length]));
    places = places.sort((a, b) => lengths.get(a)! - lengths.get(b)!).slice(0, MAX_STATES);
  }
  const room = Math.max(...places.map((state) => state.room ?? 0));
  const isRoomKnown = room === Infinity || places.every((state) => state.room !== undefined);
  return {
    ending: () => shortest(places.map((state) => state.ending())),
    step: (byte) => either(places.map((state) => state.step(byte))),
    places,
    ...(isRoomKnown ? { room } : {}),
  };
}

const shortest = (texts: readonly ByteText[]): ByteText =>
  texts.reduce((best, text) => (text.length < best.length ? text : best));
