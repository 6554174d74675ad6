import fc from "fast-check";
import { expect, test } from "vitest";
import { VaultError } from "../../core/errors.ts";
import { startOf } from "./grammar.ts";
import type { Schema } from "./schema.ts";
import type { State } from "./state.ts";

function refusal(schema: unknown): VaultError {
  try {
    startOf(schema as Schema);
  } catch (error) {
    if (error instanceof VaultError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

test.each([
  [{ type: "string", pattern: "^a" }, "no grammar can hold an answer to `pattern`"],
  [{ type: "string", format: "date" }, 'no grammar can hold an answer to the `format` "date"'],
  [{ properties: { a: { items: { not: {} } } } }, "no grammar can hold an answer to `not`"],
  [{ uniqueItems: true }, "no grammar can hold an answer to `uniqueItems`"],
  [{ $ref: "https://example.com/schema" }, '`$ref` "https://example.com/schema" leads elsewhere'],
  [{ $ref: "#/$defs/no" }, '`$ref` "#/$defs/no" leads to no schema'],
  [{ $ref: "#/$defs/__proto__", $defs: {} }, '`$ref` "#/$defs/__proto__" leads to no schema'],
  [{ type: "text" }, "`type` is not one or more of null, boolean, integer, number, string, array, object"],
  [{ minLength: "3" }, "`minLength` is not a whole number"],
  [{ multipleOf: 0 }, "`multipleOf` is not a number above 0"],
  [{ properties: { a: 5 } }, "`properties` is not an object of schemas"],
  [{ required: "a" }, "`required` is not a list of names"],
  [{ propertyNames: { minLength: 3 } }, "`propertyNames` is more than a list"],
  [{ type: "integer", minimum: 3, maximum: 2 }, "there is no value that all of it allows"],
])("a schema such as %j is refused: %s", (schema, why) => {
  const error = refusal(schema);
  expect(error.code).toBe("bad-request");
  expect(error.message).toContain(`The schema cannot be enforced: ${why}`);
});

test.each([
  { type: "string", format: "int32", title: "A", description: "B", default: 3, examples: [1], "x-note": true },
  { type: "object", uniqueItems: false, discriminator: { propertyName: "a" } },
  { type: "object", propertyNames: { type: "string" }, additionalProperties: { type: "number" } },
  { type: "object", $defs: { unused: { pattern: "a" } } },
])("a schema such as %j is not refused for what are only notes", (schema) => {
  expect(() => startOf(schema as Schema)).not.toThrow();
});

const named = (name: string, more = {}) => ({
  type: "object",
  properties: { kind: { const: name }, [name]: { type: "string" } },
  required: ["kind"],
  ...more,
});

test.each([
  [[{ type: "string" }, { type: "integer" }]],
  [[{ const: 1 }, { const: 2 }, { type: "string" }]],
  [[{ enum: ["a", "b"] }, { type: "string", minLength: 2 }]],
  [
    [
      { type: "number", maximum: 0 },
      { type: "number", exclusiveMinimum: 0 },
    ],
  ],
  [[named("a"), named("b"), { type: "null" }]],
  [[named("a", { required: ["a"] }), named("b", { required: ["b"] })]],
  [
    [
      { type: "array", maxItems: 1 },
      { type: "array", minItems: 2 },
    ],
  ],
])("a `oneOf` of %j is allowed, for no value is in two", (oneOf) => {
  expect(() => startOf({ oneOf } as Schema)).not.toThrow();
});

test.each([
  [[{ type: "integer" }, { type: "number" }]],
  [[{ type: "string" }, { minLength: 3 }]],
  [[{ enum: ["a", "b"] }, { enum: ["b", "c"] }]],
  [[named("a", { required: [] }), named("b", { required: [] })]],
  [[named("a", { additionalProperties: true, required: ["a"] }), named("b", { required: ["b"] })]],
])("a `oneOf` of %j is refused, for a value may be in two", (oneOf) => {
  expect(refusal({ oneOf }).message).toContain("the branches of a `oneOf` overlap");
});

test("a `oneOf` may be its own member, whichever is named first", () => {
  const fork = {
    type: "object",
    properties: { left: { $ref: "#" }, kind: { const: "fork" } },
    required: ["left", "kind"],
  };
  const leaf = { type: "object", properties: { kind: { const: "leaf" } }, required: ["kind"] };
  expect(startOf({ oneOf: [fork, leaf] } as Schema).ending()).toBe('{"kind":"leaf"}');
  expect(
    startOf({ oneOf: [fork, { const: 1 }] } as Schema)
      .step(0x7b)
      ?.ending(),
  ).toBe('"left":1,"kind":"fork"}');
  const same = { type: "object", properties: { left: { $ref: "#" } }, required: ["left"] };
  expect(refusal({ oneOf: [same, fork, leaf] }).message).toContain("overlap");
});

test("a `$ref` that leads back with nothing in between adds nothing, and spoils nothing", () => {
  const start = startOf({ anyOf: [{ $ref: "#" }, { const: 1 }, { type: "array", items: { $ref: "#" }, minItems: 1 }] });
  expect(start.ending()).toBe("1");
  expect(start.step(0x5b)?.ending()).toBe("1]");
  expect(start.step(0x5b)?.step(0x5b)?.ending()).toBe("1]]");
});

test("alternatives of alternatives without end are refused, and quickly", () => {
  const anyOf = Array.from({ length: 20 }, (_, minLength) => ({ type: "string", minLength }));
  const all = { allOf: Array.from({ length: 20 }, () => ({ anyOf })) };
  expect(refusal(all).message).toContain("it has more than 100000 pairs of alternatives");
});

const lists = (length: number, one: (index: number) => object) => Array.from({ length }, (_, index) => one(index));
const membersOf = (length: number, one: (index: number) => object) =>
  Object.fromEntries(lists(length, one).map((schema, index) => [`a${index}`, schema]));
const nested = (depth: number, innermost: unknown) =>
  JSON.parse("[".repeat(depth) + JSON.stringify(innermost) + "]".repeat(depth));

/** What leads deeper than the stack, doubles at each level, or is small and stands for much. */
const ENDLESS: Readonly<Record<string, object>> = {
  "a chain of 5,000 references": {
    $ref: "#/$defs/a0",
    $defs: { ...membersOf(5000, (index) => ({ $ref: `#/$defs/a${index + 1}` })), a5000: { type: "boolean" } },
  },
  "a chain of references through allOf, anyOf, oneOf and propertyNames": {
    $ref: "#/$defs/a0",
    $defs: {
      ...membersOf(5000, (index) => {
        const next = { $ref: `#/$defs/a${index + 1}` };
        return [{ allOf: [next] }, { anyOf: [next] }, { oneOf: [next] }, { propertyNames: next }][index % 4] ?? {};
      }),
      a5000: { type: "string" },
    },
  },
  "references that all lead to each other": {
    $ref: "#/$defs/a0",
    $defs: membersOf(30, (from) => ({ anyOf: lists(30, (to) => ({ $ref: `#/$defs/a${(from + to + 1) % 30}` })) })),
  },
  "a nested value that could be read in two ways at each level": {
    $ref: "#/$defs/a",
    const: nested(150, "x"),
    $defs: {
      a: {
        anyOf: [
          { type: "array", items: { $ref: "#/$defs/a" }, minItems: 1 },
          { type: "array", items: { $ref: "#/$defs/a" }, maxItems: 5 },
        ],
      },
    },
  },
  "4,000 lists that are each as long as can be": {
    properties: membersOf(4000, (index) => ({ type: "array", minItems: 40_000 + index })),
  },
  "thousands of branches, each to be compared with each": { oneOf: lists(4000, (value) => ({ const: value })) },
  "numbers of 300 digits": { type: "number", minimum: 1e300 },
  "multiples of a number of 300 digits": { type: "number", multipleOf: 1.1e300 },
  "a text of a billion characters": { type: "string", minLength: 1e9 },
  "a list of a billion items": { type: "array", minItems: 1e9 },
  "an object that has to be in itself": { properties: { a: { $ref: "#" } }, required: ["a"] },
  "100,001 values": { enum: lists(100_001, (value) => ({ value })) },
};

test.each(Object.entries(ENDLESS))("a schema of %s is refused, with the limit", (_, schema) => {
  expect(refusal(schema).message).toMatch(/^The schema cannot be enforced: .*(than|beyond|within) \d/);
});

test("a thousand factors are one multiple, and what is out of reach of all digits is 0", () => {
  const factors = (least: number) => lists(1000, (index) => ({ type: "integer", multipleOf: least + index }));
  expect(startOf({ allOf: factors(1_000_000_007) } as Schema).ending()).toBe("0");
  expect(refusal({ allOf: factors(1), minimum: 1 }).message).toContain("no value");
});

test("an answer that could be read in two ways at each level is followed in a bounded number of them", () => {
  const items = { $ref: "#" };
  const schema = { anyOf: [{ type: "array", items }, { type: "array", items, minItems: 1 }, { const: 1 }] };
  let state: State | null = startOf(schema as Schema);
  for (let depth = 0; depth < 60; depth++) state = state?.step(0x5b) ?? null;
  expect(state?.places?.length).toBeLessThanOrEqual(64);
  expect(state?.ending()).toBe("]".repeat(60));
});

test("bounds and lengths that no answer comes near are fine", () => {
  const bounds = { minimum: -Number.MAX_VALUE, maximum: Number.MAX_VALUE };
  for (const schema of [
    { type: "number", ...bounds },
    { type: "array", maxItems: 1e9 },
    { type: "string", maxLength: 1e9 },
    { $ref: "#/$defs/a0", $defs: { ...membersOf(100, (index) => ({ $ref: `#/$defs/a${index + 1}` })), a100: {} } },
  ]) {
    expect(() => startOf(schema as Schema)).not.toThrow();
  }
});

const NAMES = Object.getOwnPropertyNames(Object.prototype);

test.each(NAMES)("a keyword that is called %s is only a note, whatever it holds", (name) => {
  for (const value of [1, null, "a", {}, []]) {
    const schema = JSON.parse(`{"type": "boolean", ${JSON.stringify(name)}: ${JSON.stringify(value)}}`);
    expect(startOf(schema).ending()).toBe("true");
  }
});

test.each(NAMES)("a member that is called %s is a member like others", (name) => {
  const text = JSON.stringify(name);
  const schema = JSON.parse(`{"properties": {${text}: {"const": 1}}, "required": [${text}]}`);
  expect(startOf(schema).ending()).toBe(`{${text}:1}`);
  const value = JSON.parse(`{${text}: 1}`);
  expect(startOf({ allOf: [schema, { enum: [value, {}] }] } as Schema).ending()).toBe(`{${text}:1}`);
  expect(refusal({ allOf: [{ properties: {}, required: [name] }, { const: {} }] }).message).toContain("no value");
});

test("a recursion through parts that are put together comes to an end", () => {
  const grow = {
    properties: { a: { allOf: [{ $ref: "#/$defs/grow" }, { properties: { b: { $ref: "#/$defs/grow" } } }] } },
  };
  expect(() => startOf({ $ref: "#/$defs/grow", $defs: { grow } } as Schema)).not.toThrow();
});

/** Schemas that refer to each other in any way, with the keywords that put schemas together. */
const graph = fc.integer({ min: 1, max: 12 }).chain((size) => {
  const ref = fc.nat(size - 1).map((index) => ({ $ref: `#/$defs/a${index}` }));
  const refs = fc.array(ref, { minLength: 1, maxLength: 5 });
  const names = fc.constantFrom("a", "b", "__proto__", "constructor");
  const values = fc
    .array(fc.nat(60), { minLength: 1, maxLength: 3 })
    .map((depths) => depths.map((d) => nested(d, "x")));
  const part = fc.oneof(
    ref,
    fc.record({ allOf: refs }),
    fc.record({ anyOf: refs }),
    fc.record({ oneOf: refs }),
    fc.record({ type: fc.constant("array"), items: ref, minItems: fc.constantFrom(0, 1, 40_000, 1e9) }),
    fc.record({ properties: fc.dictionary(names, ref), required: fc.array(names, { maxLength: 2 }) }),
    fc.record({ propertyNames: ref }),
    fc.record({ enum: values, anyOf: refs }),
    fc.record({ type: fc.constantFrom("integer", "number"), multipleOf: fc.double({ min: 1e-300, noNaN: true }) }),
    fc.record({ type: fc.constant("string"), minLength: fc.nat(200_000) }),
  );
  return fc.array(part, { minLength: size, maxLength: size }).map((parts) => ({
    $ref: "#/$defs/a0",
    $defs: membersOf(size, (index) => parts[index] ?? {}),
  }));
});

test("any schema is read, or refused in a sentence: none is deeper than the stack or goes on without end", () => {
  fc.assert(
    fc.property(graph, (schema) => {
      try {
        const start = startOf(schema as Schema);
        expect(start.ending().length).toBeLessThan(200_000);
        let state: State | null = start;
        for (const byte of Buffer.from(start.ending().slice(0, 200), "latin1")) state = state?.step(byte) ?? null;
        expect(state).not.toBeNull();
      } catch (error) {
        expect(error).toBeInstanceOf(VaultError);
      }
    }),
    { numRuns: 300 },
  );
});
