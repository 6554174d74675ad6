import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import * as z from "zod";
import { schemas, valuesOf } from "../../tests/fixtures/random-schemas.ts";
import { bytesOf, byteText } from "./byte-text.ts";
import { startOf } from "./grammar.ts";
import type { Schema } from "./schema.ts";
import type { State } from "./state.ts";

const encode = (text: string) => byteText(new TextEncoder().encode(text));
const decode = (text: string) => new TextDecoder("utf-8", { fatal: true }).decode(bytesOf(text));

/** The place after `bytes`; `null` if the grammar does not allow them. */
const after = (schema: Schema, bytes: string): State | null =>
  bytesOf(bytes).reduce<State | null>((state, byte) => state?.step(byte) ?? null, startOf(schema));

/** `begun` with the shortest ending; `null` if the grammar does not allow it. */
function complete(schema: Schema, begun: string): string | null {
  const state = after(schema, encode(begun));
  return state && decode(encode(begun) + state.ending());
}

/** All of the printable characters that may come after `begun`. */
function following(schema: Schema, begun: string): string {
  const state = after(schema, encode(begun));
  const chars = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index));
  return chars.filter((char) => state?.step(char.charCodeAt(0))).join("");
}

const ajv = new Ajv2020({ strict: false, multipleOfPrecision: 9 });

const PERSON = {
  type: "object",
  properties: {
    name: { type: "string", minLength: 2 },
    age: { type: "integer", minimum: 18 },
    note: { type: "string" },
  },
  required: ["name", "age"],
} as const;

const LIST = {
  $ref: "#/$defs/node",
  $defs: {
    node: {
      type: "object",
      properties: { value: { type: "integer" }, next: { anyOf: [{ $ref: "#/$defs/node" }, { type: "null" }] } },
      required: ["value", "next"],
    },
  },
} as Schema;

test.each([
  ["", '{"name":"aa","age":18}'],
  ["{", '{"name":"aa","age":18}'],
  ['{"', '{"name":"aa","age":18}'],
  ['{"a', '{"age":18,"name":"aa"}'],
  ['{"age"', '{"age":18,"name":"aa"}'],
  ['{"age": 9', '{"age": 90,"name":"aa"}'],
  ['{"age": 19,', '{"age": 19,"name":"aa"}'],
  ['{"age": 19, ', '{"age": 19, "name":"aa"}'],
  ['{"name":"J', '{"name":"Ja","age":18}'],
  ['{"name":"Jo"', '{"name":"Jo","age":18}'],
  ['{"name":"Jo\\', '{"name":"Jo\\"","age":18}'],
  ['{"name":"J\\u12', '{"name":"J\\u1200","age":18}'],
  ['{"name":"J\\ud83d', '{"name":"J\\ud83d\\udc00","age":18}'],
  ['{"name":"J\\ud83d\\ude0', '{"name":"J\\ud83d\\ude00","age":18}'],
  ['{"name":"Jo","age":20,"no', '{"name":"Jo","age":20,"note":""}'],
  ['{"name":"Jo","age":20,', '{"name":"Jo","age":20,"note":""}'],
  ['{"name":"Jo","age":20}', '{"name":"Jo","age":20}'],
])("`ending()` completes %j of an object in the shortest way", (begun, whole) => {
  expect(complete(PERSON, begun)).toBe(whole);
});

test.each([
  [{ type: "number" }, "-", "-1"],
  [{ type: "number" }, "1.", "1.1"],
  [{ type: "number" }, "1e", "1e1"],
  [{ type: "number" }, "1e+", "1e+1"],
  [{ type: "number" }, "1", "1"],
  [{ type: "boolean" }, "tr", "true"],
  [{ type: ["integer", "null"] }, "nul", "null"],
  [{ enum: ["north", "northeast"] }, '"north', '"north"'],
  [{ enum: ["north", "northeast"] }, '"northe', '"northeast"'],
  [{ type: "array", items: { type: "boolean" }, minItems: 2 }, "[false,", "[false,true]"],
  [{ type: "array", items: { type: "boolean" }, minItems: 2 }, "[fal", "[false,true]"],
  [{ type: "array", prefixItems: [{ const: "x" }], items: false }, "[", "[]"],
  [{ type: "object" }, '{"a', '{"a":0}'],
  [{ type: "object" }, '{"', '{"a":0}'],
  [{ type: "object" }, '{"a":{"b":[1,', '{"a":{"b":[1,0]}}'],
  [LIST, '{"value":1,"next":{"value":2', '{"value":1,"next":{"value":2,"next":null}}'],
] as ReadonlyArray<[Schema, string, string]>)("`ending()` of %j completes %j", (schema, begun, whole) => {
  expect(complete(schema, begun)).toHaveLength(whole.length);
  expect(() => JSON.parse(complete(schema, begun) ?? "")).not.toThrow();
});

test("`ending()` completes a character that was cut in the middle", () => {
  for (const char of ["é", "日", "😀", "\u0800", "\u{10000}", "\ud7ff"]) {
    const bytes = encode(`"${char}`);
    for (let end = 2; end <= bytes.length; end++) {
      const text = bytes.slice(0, end) + after({ type: "string" }, bytes.slice(0, end))?.ending();
      expect([...JSON.parse(decode(text))]).toHaveLength(1);
    }
  }
});

test("`step()` allows no bytes that are not UTF-8", () => {
  for (const bytes of ["\x80", "\xc0\x80", "\xe0\x80", "\xed\xa0", "\xf0\x80", "\xf4\x90", "\xf5", "\xc3a", "\x1f"]) {
    expect(after({ type: "string" }, `"${bytes}`)).toBe(null);
  }
});

test("`step()` allows a surrogate only with its other half", () => {
  expect(complete({ type: "string" }, '"\\ud83d\\ude00"')).not.toBe(null);
  for (const text of ["\\ude00", "\\ud83d\\ud83d", "\\ud83da", '\\ud83d"', "\\ud83d\\n"]) {
    expect(complete({ type: "string" }, `"${text}`)).toBe(null);
  }
});

test("`step()` allows one space after a comma or a colon, and no other white space", () => {
  expect(complete({ type: "object" }, '{"a": [1, 2], "b": {}}')).not.toBe(null);
  for (const text of [" {", "{ ", '{"a" ', '{"a":  ', '{"a":\n', '{"a":[ ', '{"a":1 ', "{}\n", "{} "]) {
    expect(complete({ type: "object" }, text)).toBe(null);
  }
});

test("`step()` allows nothing after the end", () => {
  expect(following({ type: "object" }, "{}")).toBe("");
  expect(following({ enum: [true, "a"] }, '"a"')).toBe("");
  expect(following({ type: "integer" }, "-1")).toBe("0123456789");
});

test("`step()` looks through `$ref`, `anyOf` and bounds at the first character that leads astray", () => {
  expect(following(LIST, '{"value":1,"next":')).toBe(" n{");
  expect(following({ anyOf: [{ enum: ["ax", "b"] }, { type: "null" }] }, '"')).toBe("ab");
  expect(following({ type: "integer", minimum: 5, maximum: 120 }, "12")).toBe("0");
  expect(following({ type: "number", minimum: 0, maximum: 1 }, "")).toBe("01");
  expect(following({ type: "integer", multipleOf: 5 }, "123456789012347")).toBe("");
  expect(following({ type: "array", items: { type: "integer" }, maxItems: 2 }, "[1,2")).toBe("0123456789]");
});

test("`step()` allows the members that are named, each once, unless the schema speaks of others", () => {
  expect(following(PERSON, '{"name":"Jo","')).toBe("an");
  expect(following({ ...PERSON, additionalProperties: false } as Schema, '{"')).toBe("an");
  expect(following({ ...PERSON, additionalProperties: true } as Schema, '{"')).toContain("z");
  const open = { properties: { a: { type: "null" } }, additionalProperties: { type: "boolean" } } as const;
  expect(following(open, '{"a":')).toBe(" n");
  expect(following(open, '{"b":')).toBe(" ft");
  expect(following(open, '{"b":true,"b"')).toBe("");
});

test("`step()` allows no member that no value would fit, not even as one that the schema does not name", () => {
  const schema = { type: "object", properties: { a: false, ab: true }, additionalProperties: true } as const;
  expect(following(schema, '{"a')).toContain("b");
  expect(following(schema, '{"a')).not.toContain('"');
  expect(following(schema, '{"ab":1,"ab')).not.toContain('"');
});

test("`step()` follows a text that is the beginning of another", () => {
  expect(following({ enum: [1, 12, [1], [12]] }, "1")).toBe("2");
  expect(complete({ enum: [1, 12] }, "1")).toBe("1");
  expect(following({ properties: { a: { enum: [1, 12] } } }, '{"a":1')).toBe("2}");
});

test("`step()` allows what is fixed if the rest of the schema allows it, in whatever order its members are", () => {
  const fixed = { enum: [{ b: [1, 0.3], a: "é" }, "long", null, 7] };
  expect(complete({ ...fixed, type: ["object", "string"], maxLength: 3 }, "")).toBe('{"b":[1,0.3],"a":"é"}');
  expect(complete({ allOf: [fixed, { const: { a: "é", b: [1, 0.3] } }] }, "")).toBe('{"b":[1,0.3],"a":"é"}');
  expect(complete({ allOf: [fixed, { type: "number", multipleOf: 0.7 }] }, "")).toBe("7");
});

test("`step()` lets a model not nest without end", () => {
  const deep = '{"a":'.repeat(65);
  expect(following({ type: "object" }, deep.slice(0, -5))).toContain('"');
  expect(following({ type: "object" }, deep)).toBe(" 1");
});

test("`startOf()` puts the parts of an `allOf` together", () => {
  const one = { type: "object", properties: { a: { type: "integer", minimum: 3 } }, required: ["a"] } as const;
  const two = { properties: { a: { maximum: 4, type: "number" }, b: { const: "x" } }, required: ["b"] } as const;
  expect(complete({ allOf: [one, two] }, "")).toBe('{"a":3,"b":"x"}');
  expect(following({ allOf: [one, two] }, '{"a":')).toBe(" 34");
  const closed = { ...one, additionalProperties: false };
  expect(() => startOf({ allOf: [closed, two] })).toThrow("no value");
  expect(following({ allOf: [closed, { ...two, required: [] }] }, '{"')).toBe("a");
});

test("`startOf()` reads what a common library makes of its schemas", () => {
  const node = z.object({
    value: z.int(),
    get next() {
      return node.nullable();
    },
  });
  const shape = z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("circle"), radius: z.number().positive() }),
    z.object({ kind: z.literal("square"), side: z.number().min(1).optional() }),
  ]);
  const all = z.object({
    shape,
    list: node,
    scores: z.record(z.string(), z.number()),
    flags: z.record(z.enum(["a", "b"]), z.boolean()),
    pair: z.tuple([z.string(), z.int().nullable()]),
    both: z.intersection(z.object({ x: z.literal(1) }), z.looseObject({ y: z.literal("two").optional() })),
  });
  const text = complete(z.toJSONSchema(all) as Schema, '{"shape":{"kind":"circle","radius":2.5},"both":{"x":1,"y":');
  expect(all.parse(JSON.parse(text ?? ""))).toMatchObject({ shape: { radius: 2.5 }, both: { x: 1, y: "two" } });
});

/** JSON as a model may write it: with a space, or none, after commas and colons. */
function write(value: unknown, space: () => string): string {
  if (Array.isArray(value)) return `[${value.map((item) => write(item, space)).join(`,${space()}`)}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([name, member]) => `${JSON.stringify(name)}:${space()}${write(member, space)}`,
  );
  return `{${members.join(`,${space()}`)}}`;
}

test("`ending()` makes a valid value of any beginning of one, wherever it was cut", () => {
  const cases = schemas.chain((schema) =>
    fc.tuple(fc.constant(schema), valuesOf(schema), fc.infiniteStream(fc.boolean())),
  );
  fc.assert(
    fc.property(cases, ([schema, value, spaces]) => {
      const validate = ajv.compile(schema);
      const bytes = encode(write(value, () => (spaces.next().value ? " " : "")));
      let state: State | null = startOf(schema);
      for (let end = 0; end <= bytes.length; end++) {
        const text = decode(bytes.slice(0, end) + state.ending());
        expect(validate(JSON.parse(text)), `${text} for ${JSON.stringify(schema)}`).toBe(true);
        state = end < bytes.length ? state.step(bytes.charCodeAt(end)) : state;
        expect(state, `${decode(bytes)} cut at ${end}, for ${JSON.stringify(schema)}`).not.toBe(null);
        if (state === null) return;
      }
      expect(state.ending()).toBe("");
    }),
    { numRuns: 300 },
  );
});

test("`step()` never leads where there is no way to the end", () => {
  fc.assert(
    fc.property(schemas, fc.infiniteStream(fc.nat()), (schema, choices) => {
      const validate = ajv.compile(schema);
      let state: State = startOf(schema);
      let written = "";
      for (let length = 0; length < 60; length++) {
        const next = Array.from({ length: 256 }, (_, byte) => [byte, state.step(byte)] as const).filter(([, to]) => to);
        const text = decode(written + state.ending());
        expect(validate(JSON.parse(text)), `${text} for ${JSON.stringify(schema)}`).toBe(true);
        if (next.length === 0) return;
        const [byte, to] = next[choices.next().value % next.length]!;
        written += String.fromCharCode(byte);
        state = to!;
      }
    }),
    { numRuns: 200 },
  );
});
