import { arrayState } from "./array-state.ts";
import { jsonBytes } from "./byte-text.ts";
import { numberState } from "./number-state.ts";
import { objectState } from "./object-state.ts";
import { createShapes } from "./read-schema.ts";
import { refuse, type Schema } from "./schema.ts";
import type { Shape } from "./shape.ts";
import { createShortest, MAX_DEPTH, MAX_LENGTH } from "./shortest-json.ts";
import { END, either, type Grammar, literal, type State, words } from "./state.ts";
import { stringState } from "./string-state.ts";

/**
 * Where a text that the schema allows begins: JSON without white space, but for a space after a comma or a colon.
 * Throws a `bad-request` if the schema cannot be enforced.
 */
export function startOf(schema: Schema): State {
  const shapesOf = createShapes(schema);
  const shortest = createShortest(shapesOf);
  for (const part of shapesOf.all) shortest(part); // counted before an answer begins, and known from then on
  if (shortest(schema) === null) {
    refuse(`there is no value that all of it allows, within ${MAX_DEPTH} levels and ${MAX_LENGTH} bytes`);
  }
  shapesOf.effort.end();

  const grammar: Grammar = {
    shortest,
    value(part, then, depth) {
      const text = shortest(part) ?? "";
      // A model that opens ever more has lost its way.
      if (depth > MAX_DEPTH) return literal(text, then);
      let begin: State | null = null;
      return {
        ending: () => text + then.ending(),
        step(byte) {
          begin ??= beginning(shapesOf(part), then, depth, grammar);
          return begin?.step(byte) ?? null;
        },
      };
    },
  };
  return grammar.value(schema, END, 0);
}

/** A value of one of the shapes, and what follows it. */
function beginning(shapes: readonly Shape[], then: State, depth: number, grammar: Grammar): State | null {
  const possible = shapes.filter((shape) => grammar.shortest.ofShape(shape) !== null);
  const fixed = new Set(possible.flatMap((shape) => (shape.kind === "fixed" ? jsonBytes(shape.value) : [])));
  const oneOfFixed = words(Array.from(fixed, (text) => ({ text, next: () => then })));
  const others = possible.flatMap((shape) => {
    if (shape.kind === "number") return numberState(shape, then);
    if (shape.kind === "string") return literal('"', stringState(shape, then));
    if (shape.kind === "array") return literal("[", arrayState(grammar, shape, then, depth));
    if (shape.kind === "object") return literal("{", objectState(grammar, shape, then, depth));
    return [];
  });
  return either([fixed.size > 0 ? oneOfFixed : null, ...others]);
}
