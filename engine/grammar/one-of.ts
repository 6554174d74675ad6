import { fits } from "./fits.ts";
import { refuse } from "./schema.ts";
import { memberSchema, type NumberShape, type ObjectShape, type Shape, type ShapesOf, writesOthers } from "./shape.ts";

/** Deeper than this, the difference between two schemas is not looked for. */
const MAX_DEPTH = 3;

/** Makes sure that a value that is written for one branch of a `oneOf` holds for no other. */
export function assertExclusive(branches: ReadonlyArray<readonly Shape[]>, shapesOf: ShapesOf): void {
  branches.forEach((branch, index) => {
    const others = branches.filter((_, other) => other !== index);
    if (others.every((other) => excludes(branch, other, shapesOf))) return;
    refuse("the branches of a `oneOf` overlap, or cannot be told apart; `anyOf` may");
  });
}

function excludes(written: readonly Shape[], other: readonly Shape[], shapesOf: ShapesOf, depth = 0): boolean {
  return depth < MAX_DEPTH && written.every((a) => other.every((b) => excludesOne(a, b, shapesOf, depth)));
}

function excludesOne(a: Shape, b: Shape, shapesOf: ShapesOf, depth: number): boolean {
  shapesOf.effort.spend();
  if (a.kind === "fixed") return !fits(a.value, b, shapesOf);
  if (b.kind === "fixed") return !fits(b.value, a, shapesOf);
  if (a.kind === "number" && b.kind === "number") return isBelow(a, b) || isBelow(b, a);
  if (a.kind === "object" && b.kind === "object") return excludesObject(a, b, shapesOf, depth);
  if (a.kind === b.kind) {
    const [x, y] = [a, b] as ReadonlyArray<{ min: number; max: number }>;
    return x!.max < y!.min || y!.max < x!.min;
  }
  return true;
}

const isBelow = (a: NumberShape, b: NumberShape): boolean =>
  a.maximum < b.minimum ||
  a.maximum <= b.exclusiveMinimum ||
  a.exclusiveMaximum <= b.minimum ||
  a.exclusiveMaximum <= b.exclusiveMinimum;

/** By a member that one must have and that the other cannot have, or only with another value. */
function excludesObject(a: ObjectShape, b: ObjectShape, shapesOf: ShapesOf, depth: number): boolean {
  shapesOf.effort.spend(a.required.length + b.required.length);
  const required = new Set(a.required);
  const writes = (name: string) => a.named.has(name) || required.has(name) || writesOthers(a);
  return (
    b.required.some((name) => !writes(name)) ||
    a.required.some((name) =>
      excludes(shapesOf(memberSchema(a, name)), shapesOf(memberSchema(b, name)), shapesOf, depth + 1),
    )
  );
}
