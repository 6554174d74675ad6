import { Effort } from "./effort.ts";
import { intersect } from "./intersect.ts";
import { HUGE } from "./number.ts";
import { assertExclusive } from "./one-of.ts";
import { followReference, type Keywords, readKeywords, refuse, type Schema, TYPES, type Type } from "./schema.ts";
import type { ObjectShape, Shape, ShapesOf } from "./shape.ts";

/** So many different schemas in one are a mistake, or an attack. */
const MAX_SCHEMAS = 5000;
/** So are so many alternatives times alternatives. */
const MAX_PAIRS = 100_000;
const TOO_MANY_SCHEMAS = `it has more than ${MAX_SCHEMAS} different schemas`;
const TOO_MANY_PAIRS = `it has more than ${MAX_PAIRS} pairs of alternatives in one place`;

/** Reads a schema as shapes. Throws a `bad-request` if any part of it that an answer could come to cannot be enforced. */
export function createShapes(root: Schema): ShapesOf {
  const bySchema = new WeakMap<object, readonly Shape[]>();
  // Schemas are made along the way (the members of an `allOf`), in a recursion the same ones over and over.
  const byText = new Map<string, readonly Shape[]>();
  const inWork = new Set<string>();
  /** Those in work that a `$ref` led back to with nothing in between: what was read meanwhile is not the whole. */
  const cut = new Set<string>();
  /** The branches of each `oneOf`, to be compared when all is read. */
  const choices: Array<ReadonlyArray<readonly Shape[]>> = [];

  const effort = new Effort();
  const all: Schema[] = [];

  const shapesOf: ShapesOf = Object.assign(
    (schema: Schema) => {
      if (typeof schema === "boolean") return schema ? ANY : [];
      return bySchema.get(schema) ?? effort.deeper(() => readOnce(schema));
    },
    { effort, all },
  );

  function readOnce(schema: Keywords): readonly Shape[] {
    const text = JSON.stringify(schema);
    effort.spend(text.length);
    if (inWork.has(text)) {
      cut.add(text);
      return []; // beside the rest of it, it adds nothing
    }
    inWork.add(text);
    const shapes = byText.get(text) ?? read(readKeywords(schema));
    inWork.delete(text);
    cut.delete(text);
    if (cut.size > 0) return shapes;
    if (byText.size > MAX_SCHEMAS) refuse(TOO_MANY_SCHEMAS);
    byText.set(text, shapes);
    bySchema.set(schema, shapes);
    return shapes;
  }

  function read(schema: Keywords): readonly Shape[] {
    const both = (a: readonly Shape[], b: readonly Shape[]) =>
      a.length * b.length > MAX_PAIRS ? refuse(TOO_MANY_PAIRS) : intersect(a, b, shapesOf);
    let shapes: readonly Shape[] = typesOf(schema).flatMap((type) => shapesOfType(type, schema, shapesOf));
    if (schema.enum) shapes = both(fixed(schema.enum), shapes);
    if ("const" in schema) shapes = both(fixed([schema.const]), shapes);
    if (schema.$ref !== undefined) shapes = both(shapes, shapesOf(followReference(root, schema.$ref)));
    for (const part of schema.allOf ?? []) shapes = both(shapes, shapesOf(part));
    if (schema.anyOf) shapes = both(shapes, schema.anyOf.flatMap(shapesOf));
    if (schema.oneOf) {
      const branches = schema.oneOf.map((branch) => both(shapes, shapesOf(withTypes(branch))));
      choices.push(branches);
      shapes = branches.flat();
    }
    return shapes;
  }

  for (const schema of reachable(root, shapesOf)) all.push(schema);
  for (const branches of choices) assertExclusive(branches, shapesOf);
  return shapesOf;
}

/** Reads whatever can be reached, so that what cannot be enforced is refused at once. */
function* reachable(root: Schema, shapesOf: ShapesOf): Generator<Schema, void> {
  const seen = new Set<readonly Shape[]>();
  const left: Schema[] = [root];
  for (let schema = left.pop(); schema !== undefined; schema = left.pop()) {
    const shapes = shapesOf(schema);
    if (seen.has(shapes)) continue;
    seen.add(shapes);
    yield schema;
    for (const shape of shapes) {
      if (shape.kind === "array") left.push(...shape.prefix, shape.rest);
      if (shape.kind === "object") left.push(...shape.named.values(), shape.others);
    }
  }
}

/** A schema that speaks of members means an object, even if it does not say so. */
function typesOf(schema: Keywords): readonly Type[] {
  if (schema.type !== undefined) return [schema.type].flat() as Type[];
  if ("properties" in schema || "required" in schema || "additionalProperties" in schema) return ["object"];
  if ("items" in schema || "prefixItems" in schema) return ["array"];
  return ANY_TYPE;
}

/** Of several schemas exactly one must hold: none may be read as meaning less than it says. */
const withTypes = (schema: Schema): Schema => (typeof schema === "boolean" ? schema : { type: ANY_TYPE, ...schema });

const fixed = (values: readonly unknown[]): readonly Shape[] => values.map((value) => ({ kind: "fixed", value }));

type Read = (schema: Schema) => readonly Shape[];

function shapesOfType(type: Type, schema: Keywords, shapesOf: Read): readonly Shape[] {
  switch (type) {
    case "null":
      return fixed([null]);
    case "boolean":
      return fixed([true, false]);
    case "integer":
    case "number": {
      const { minimum = -Infinity, maximum = Infinity, multipleOf } = schema;
      const { exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity } = schema;
      const steps = [type === "integer" ? [1] : [], multipleOf ?? []].flat();
      if (Math.max(minimum, exclusiveMinimum, -maximum, -exclusiveMaximum, ...steps) > HUGE) {
        refuse(`its numbers are beyond ${HUGE}`);
      }
      return [{ kind: "number", minimum, maximum, exclusiveMinimum, exclusiveMaximum, steps }];
    }
    case "string":
      return [{ kind: "string", min: schema.minLength ?? 0, max: schema.maxLength ?? Infinity }];
    case "array": {
      const { prefixItems = [], items = true, additionalItems = true, minItems = 0, maxItems = Infinity } = schema;
      const [prefix, rest] = Array.isArray(items) ? [items, additionalItems] : [prefixItems, items as Schema];
      return [{ kind: "array", min: minItems, max: maxItems, prefix, rest }];
    }
    case "object":
      return [objectShape(schema, shapesOf)];
  }
}

function objectShape(schema: Keywords, shapesOf: Read): ObjectShape {
  const { properties = {}, required = [], additionalProperties: others = true, propertyNames } = schema;
  const shape: ObjectShape = {
    kind: "object",
    named: new Map(Object.entries(properties)),
    required: [...new Set(required)],
    others,
    open: "additionalProperties" in schema,
  };
  if (propertyNames === undefined) return shape;
  const names = shapesOf(propertyNames);
  if (names.some((name) => name.kind === "string" && name.min === 0 && name.max === Infinity)) return shape;
  const listed = names.map((name) =>
    name.kind === "fixed" ? name.value : refuse("`propertyNames` is more than a list"),
  );
  const texts = listed.filter((name) => typeof name === "string");
  return { ...shape, named: new Map(texts.map((name) => [name, shape.named.get(name) ?? others])), others: false };
}

const ANY_TYPE = TYPES.filter((type) => type !== "integer"); // which is a number
const ANY: readonly Shape[] = typesOf({}).flatMap((type) => shapesOfType(type, {}, () => []));
