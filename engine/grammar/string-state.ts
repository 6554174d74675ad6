import type { ByteText } from "./byte-text.ts";
import { CHARACTER, type Character, PLAIN_CHARACTER, WHOLE } from "./characters.ts";
import type { StringShape } from "./shape.ts";
import type { State } from "./state.ts";

const QUOTE = 0x22;

/**
 * Inside a string.
 *
 * @param length whole characters so far
 * @param begun the one after them
 */
export function stringState(shape: StringShape, then: State, length = 0, begun = CHARACTER): State {
  const inside = begun !== CHARACTER;
  return {
    ending() {
      const missing = shape.min - length - (inside ? 1 : 0);
      return `${inside ? begun.ending : ""}${"a".repeat(Math.max(0, missing))}"${then.ending()}`;
    },
    step(byte) {
      if (!inside && byte === QUOTE) return length >= shape.min ? then : null;
      const rest = length < shape.max ? begun.next.get(byte) : undefined;
      if (!rest) return null;
      return rest === WHOLE ? stringState(shape, then, length + 1) : stringState(shape, then, length, rest);
    },
    ...(inside ? {} : { room: shape.max - length }),
  };
}

/**
 * Inside a key of the model's own making: of one character at least, none of them escaped, so that the key is what is
 * written.
 *
 * @param isTaken which keys it may not be
 */
export function keyState(
  isTaken: (key: ByteText) => boolean,
  then: (key: ByteText) => State,
  written: ByteText = "",
  begun: Character = PLAIN_CHARACTER,
): State {
  const inside = begun !== PLAIN_CHARACTER;
  const isKey = (key: ByteText) => key !== "" && !isTaken(key);
  return {
    ending() {
      let key = written + (inside ? begun.ending : "");
      while (!isKey(key)) key += "a";
      return `${key.slice(written.length)}"${then(key).ending()}`;
    },
    step(byte) {
      if (!inside && byte === QUOTE) return isKey(written) ? then(written) : null;
      const rest = begun.next.get(byte);
      if (!rest) return null;
      return keyState(isTaken, then, written + String.fromCharCode(byte), rest === WHOLE ? PLAIN_CHARACTER : rest);
    },
    ...(inside ? {} : { room: Infinity }),
  };
}
