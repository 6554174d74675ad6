import { divides } from "./decimal.ts";
import { itemSchema, memberSchema, type Shape, type ShapesOf } from "./shape.ts";

/** Whether a value is what the shape allows. */
export function fits(value: unknown, shape: Shape, shapesOf: ShapesOf): boolean {
  const { effort } = shapesOf;
  effort.spend();
  const fitsAny = (part: unknown, schema: Parameters<ShapesOf>[0]) =>
    effort.deeper(() => shapesOf(schema).some((one) => fits(part, one, shapesOf)));
  switch (shape.kind) {
    case "fixed": {
      const [one, other] = [canonical(value), canonical(shape.value)];
      effort.spend(one.length + other.length);
      return one === other;
    }
    case "number":
      return (
        typeof value === "number" &&
        value >= shape.minimum &&
        value <= shape.maximum &&
        value > shape.exclusiveMinimum &&
        value < shape.exclusiveMaximum &&
        shape.steps.every((step) => divides(step, value))
      );
    case "string":
      return typeof value === "string" && [...value].length >= shape.min && [...value].length <= shape.max;
    case "array":
      return (
        Array.isArray(value) &&
        value.length >= shape.min &&
        value.length <= shape.max &&
        value.every((item, index) => fitsAny(item, itemSchema(shape, index)))
      );
    case "object":
      return (
        typeof value === "object" &&
        value !== null &&
        !Array.isArray(value) &&
        shape.required.every((name) => Object.hasOwn(value, name)) &&
        Object.entries(value).every(([name, member]) => fitsAny(member, memberSchema(shape, name)))
      );
  }
}

/** The same text for equal values, whatever the order of their members. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
