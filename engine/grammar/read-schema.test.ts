import { expect, test } from "vitest";
import { VaultError } from "../../core/errors.ts";
import { startOf } from "./grammar.ts";
import type { Schema } from "./schema.ts";

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
  expect(refusal({ allOf: Array.from({ length: 20 }, () => ({ anyOf })) }).message).toContain("it is too large");
});

test("a recursion through parts that are put together comes to an end", () => {
  const grow = {
    properties: { a: { allOf: [{ $ref: "#/$defs/grow" }, { properties: { b: { $ref: "#/$defs/grow" } } }] } },
  };
  expect(() => startOf({ $ref: "#/$defs/grow", $defs: { grow } } as Schema)).not.toThrow();
});
