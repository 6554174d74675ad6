import { type ArrayShape, itemSchema } from "./shape.ts";
import { type Grammar, type State, spaced } from "./state.ts";

const COMMA = 0x2c;
const BRACKET = 0x5d;

/** In an array, after the bracket or (if `count` is not 0) after an item. */
export function arrayState(grammar: Grammar, shape: ArrayShape, then: State, depth: number, count = 0): State {
  let next: State | null | undefined;
  const item = (): State | null => {
    const schema = itemSchema(shape, count);
    if (count >= shape.max || grammar.shortest(schema) === null) return null;
    return grammar.value(schema, arrayState(grammar, shape, then, depth, count + 1), depth + 1);
  };
  return {
    ending() {
      let text = "";
      for (let at = count; at < shape.min; at++) text += (at > 0 ? "," : "") + grammar.shortest(itemSchema(shape, at));
      return `${text}]${then.ending()}`;
    },
    step(byte) {
      if (byte === BRACKET) return count >= shape.min ? then : null;
      if (count > 0 && byte !== COMMA) return null;
      next ??= item();
      return count > 0 ? next && spaced(next) : (next?.step(byte) ?? null);
    },
  };
}
