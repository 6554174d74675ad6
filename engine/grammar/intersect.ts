import type { Effort } from "./effort.ts";
import { fits } from "./fits.ts";
import type { Schema } from "./schema.ts";
import { type ArrayShape, itemSchema, memberSchema, type ObjectShape, type Shape, type ShapesOf } from "./shape.ts";

/** What both of two lists allow. */
export function intersect(some: readonly Shape[], others: readonly Shape[], shapesOf: ShapesOf): readonly Shape[] {
  return some.flatMap((a) => others.flatMap((b) => intersectTwo(a, b, shapesOf) ?? []));
}

function intersectTwo(a: Shape, b: Shape, shapesOf: ShapesOf): Shape | null {
  shapesOf.effort.spend();
  if (a.kind === "fixed") return fits(a.value, b, shapesOf) ? a : null;
  if (b.kind === "fixed") return fits(b.value, a, shapesOf) ? b : null;
  if (a.kind === "number" && b.kind === "number") {
    shapesOf.effort.spend(a.steps.length + b.steps.length);
    return {
      kind: "number",
      minimum: Math.max(a.minimum, b.minimum),
      maximum: Math.min(a.maximum, b.maximum),
      exclusiveMinimum: Math.max(a.exclusiveMinimum, b.exclusiveMinimum),
      exclusiveMaximum: Math.min(a.exclusiveMaximum, b.exclusiveMaximum),
      steps: [...new Set([...a.steps, ...b.steps])],
    };
  }
  if (a.kind === "string" && b.kind === "string") {
    return { kind: "string", min: Math.max(a.min, b.min), max: Math.min(a.max, b.max) };
  }
  if (a.kind === "array" && b.kind === "array") return intersectArrays(a, b, shapesOf.effort);
  if (a.kind === "object" && b.kind === "object") return intersectObjects(a, b, shapesOf.effort);
  return null;
}

const intersectArrays = (a: ArrayShape, b: ArrayShape, effort: Effort): ArrayShape => ({
  kind: "array",
  min: Math.max(a.min, b.min),
  max: Math.min(a.max, b.max),
  prefix: Array.from({ length: Math.max(a.prefix.length, b.prefix.length) }, (_, index) =>
    allOf(itemSchema(a, index), itemSchema(b, index), effort),
  ),
  rest: allOf(a.rest, b.rest, effort),
});

const intersectObjects = (a: ObjectShape, b: ObjectShape, effort: Effort): ObjectShape => ({
  kind: "object",
  named: new Map(
    [...a.named.keys(), ...b.named.keys()].map((name) => [
      name,
      allOf(memberSchema(a, name), memberSchema(b, name), effort),
    ]),
  ),
  required: [...new Set([...a.required, ...b.required])],
  others: allOf(a.others, b.others, effort),
  open: a.open || b.open,
});

/** Both schemas in one; the same text for the same schemas, so that a recursion comes back to where it was. */
function allOf(a: Schema, b: Schema, effort: Effort): Schema {
  if (a === false || b === false) return false;
  const parts = new Map([...partsOf(a), ...partsOf(b)].map((part) => [JSON.stringify(part), part]));
  for (const text of parts.keys()) effort.spend(text.length);
  const [first = true] = parts.values();
  return parts.size < 2 ? first : { allOf: [...parts.values()] };
}

function partsOf(schema: Schema): readonly Schema[] {
  if (typeof schema === "boolean") return [];
  return Object.keys(schema).join() === "allOf" ? (schema.allOf ?? []) : [schema];
}
