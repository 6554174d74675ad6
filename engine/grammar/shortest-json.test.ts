import { expect, test } from "vitest";
import { createShapes } from "./read-schema.ts";
import type { Schema } from "./schema.ts";
import { createShortest } from "./shortest-json.ts";

const shortest = (schema: Schema) => createShortest(createShapes(schema))(schema);

const TREE = {
  $defs: {
    leaf: { type: "object", properties: { value: { type: "integer", minimum: 10 } }, required: ["value"] },
    fork: { type: "object", properties: { left: { $ref: "#" }, right: { $ref: "#" } }, required: ["left", "right"] },
  },
  anyOf: [{ $ref: "#/$defs/fork" }, { $ref: "#/$defs/leaf" }],
} as Schema;

test.each([
  [true, "1"],
  [{ type: "string", minLength: 3 }, '"aaa"'],
  [{ enum: ["north", "east"] }, '"east"'],
  [{ enum: [true, 12, "x"], type: ["string", "boolean"] }, '"x"'],
  [{ const: { a: [1] } }, '{"a":[1]}'],
  [{ type: ["null", "boolean"] }, "null"],
  [{ type: "array", prefixItems: [{ type: "null" }], items: { type: "boolean" }, minItems: 3 }, "[null,true,true]"],
  [{ items: [{ type: "null" }], additionalItems: { type: "boolean" }, minItems: 2 }, "[null,true]"],
  [{ properties: { a: { minimum: 10, type: "number" } }, required: ["a", "b"] }, '{"a":10,"b":1}'],
  [{ anyOf: [{ type: "null" }, { type: "string" }] }, '""'],
  [{ type: "string", anyOf: [{ minLength: 2 }, { minLength: 4 }] }, '"aa"'],
  [{ propertyNames: { enum: ["red", "blue"] }, type: "object", required: ["red"] }, '{"red":1}'],
  [TREE, '{"value":10}'],
] as ReadonlyArray<[Schema, string]>)("`shortest()` of %j is %s", (schema, text) => {
  expect(shortest(schema)).toBe(text);
});

test.each([
  false,
  { enum: ["a"], type: "integer" },
  { type: "integer", minimum: 3, maximum: 2 },
  { type: "string", minLength: 3, maxLength: 2 },
  { type: "array", items: false, minItems: 1 },
  { required: ["a"], additionalProperties: false },
  { type: "object", propertyNames: { enum: ["a"] }, required: ["b"] },
  { allOf: [{ type: "string" }, { type: "null" }] },
  { $ref: "#" },
  {
    $ref: "#/$defs/endless",
    $defs: { endless: { properties: { next: { $ref: "#/$defs/endless" } }, required: ["next"] } },
  },
  { type: "array", items: { $ref: "#" }, minItems: 2 },
  { type: "string", minLength: 1e9 },
  { type: "array", minItems: 1000, items: { type: "array", minItems: 1000, items: { type: "array", minItems: 1000 } } },
] as const)("`shortest()` of %j is `null`, for there is none", (schema) => {
  expect(shortest(schema as Schema)).toBe(null);
});
