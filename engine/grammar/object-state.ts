import { type ByteText, jsonBytes } from "./byte-text.ts";
import { memberSchema, type ObjectShape, writesOthers } from "./shape.ts";
import { either, type Grammar, literal, type State, spaced, words } from "./state.ts";
import { keyState } from "./string-state.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const BRACE = 0x7d;

/** In an object, after the brace. */
export function objectState(grammar: Grammar, shape: ObjectShape, then: State, depth: number): State {
  const needed = new Set(shape.required);
  const known = [...new Set([...needed, ...shape.named.keys()])].map((name) => {
    const schema = memberSchema(shape, name);
    return {
      key: jsonBytes(name),
      schema,
      shortest: grammar.shortest(schema),
      required: needed.has(name),
    };
  });
  const keys = new Set(known.map(({ key }) => key));
  const required = known.filter((member) => member.required);
  const possible = known.filter((member) => member.shortest !== null);
  const isOpen = writesOthers(shape) && grammar.shortest(shape.others) !== null;

  /** The members that are still required, with commas between them. */
  const missing = (seen: ReadonlySet<ByteText>): ByteText =>
    required
      .filter(({ key }) => !seen.has(key))
      .map(({ key, shortest }) => `${key}:${shortest}`)
      .join();

  /** After a member, or after the brace if none was seen. */
  function afterMember(seen: ReadonlySet<ByteText>): State {
    const isFirst = seen.size === 0;
    return {
      ending() {
        const rest = missing(seen);
        return `${rest === "" || isFirst ? "" : ","}${rest}}${then.ending()}`;
      },
      step(byte) {
        if (byte === BRACE) return missing(seen) === "" ? then : null;
        if (byte !== (isFirst ? QUOTE : COMMA)) return null;
        const next = member(seen);
        return isFirst ? (next?.step(byte) ?? null) : next && spaced(next);
      },
    };
  }

  /** Where one more member begins; `null` if there is none. */
  function member(seen: ReadonlySet<ByteText>): State | null {
    const valueAt = (key: ByteText, schema = shape.others) =>
      spaced(grammar.value(schema, afterMember(new Set(seen).add(key)), depth + 1));
    const choice = possible
      .filter(({ key }) => !seen.has(key))
      .map(({ key, schema }) => ({ text: `${key}:`, next: () => valueAt(key, schema) }));
    const isTaken = (key: ByteText) => keys.has(`"${key}"`) || seen.has(`"${key}"`);
    const made = keyState(isTaken, (key) => literal(":", valueAt(`"${key}"`)));
    const begin = either([choice.length > 0 ? words(choice) : null, isOpen ? literal('"', made) : null]);
    return (
      begin && {
        ending() {
          const rest = missing(seen);
          return rest === "" ? begin.ending() : `${rest}}${then.ending()}`;
        },
        step: (byte) => begin.step(byte),
      }
    );
  }

  return afterMember(new Set());
}
