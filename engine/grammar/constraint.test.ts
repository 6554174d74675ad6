import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { newRequest } from "../../core/generate-request.ts";
import type { GenerateRequest, JsonSchema, OutputFormat } from "../../core/protocol.ts";
import { embeddedModel } from "../../tests/fixtures/node-model.ts";
import { schemas } from "../../tests/fixtures/random-schemas.ts";
import { check, generate } from "../generate.ts";
import type { Constraint } from "../model.ts";
import { createConstrainer } from "./constraint.ts";

const TEXTS = [
  '"',
  '":',
  '": "',
  '", "',
  '{"',
  "}}",
  "[[",
  "]]",
  "12",
  "0.5",
  "null",
  "true",
  " a",
  "日",
  "\\u",
  "a\n",
];
const VOCABULARY: readonly Uint8Array[] = [
  ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
  ...TEXTS.map((text) => new TextEncoder().encode(text)),
  new TextEncoder().encode("<end>"),
];
const END = VOCABULARY.length - 1;
const constrain = createConstrainer({ bytes: VOCABULARY, specialIds: [END] }, END);
const ajv = new Ajv2020({ strict: false, multipleOfPrecision: 9 });

/** Writes as `generate()` does, with a model that gives these logits. */
function write(constraint: Constraint, budget: number, logitsOf: () => Float32Array): string {
  const taken: number[] = [];
  while (taken.length < budget) {
    const logits = logitsOf();
    constraint.mask(logits);
    const best = logits.reduce((best, logit, id) => (logit > logits[best]! ? id : best), 0);
    const tokenId = constraint.take(best, budget - taken.length - 1);
    if (tokenId === END) break;
    taken.push(tokenId);
  }
  return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(taken.flatMap((id) => [...VOCABULARY[id]!])));
}

/** Noise; and a liking for some tokens, as models have that know no end. */
const models = fc.record({
  seed: fc.integer(),
  liked: fc.constantFrom("", "[{", '"a', "0123456789", "-.e", '"\\ud83', ',"'),
});
function logitsOf({ seed, liked }: { seed: number; liked: string }): () => Float32Array {
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
  return () =>
    Float32Array.from(VOCABULARY, ([byte = 0]) => random() + (liked.includes(String.fromCharCode(byte)) ? 0.8 : 0));
}

test("whatever the logits and the budget, the answer is valid JSON of the schema, and within the budget", () => {
  fc.assert(
    fc.property(schemas, models, fc.nat(40), (schema, model, more) => {
      const constraint = constrain({ type: "schema", schema });
      const text = write(constraint, constraint.shortest + more, logitsOf(model));
      expect(ajv.validate(schema, JSON.parse(text)), `${text} for ${JSON.stringify(schema)}`).toBe(true);
      expect(constraint.shortest).toBe(0);
    }),
    { numRuns: 300 },
  );
});

test("`take()` does not take what the grammar forbids, whoever chose it", () => {
  fc.assert(
    fc.property(schemas, fc.infiniteStream(fc.nat(VOCABULARY.length)), (schema, chosen) => {
      const constraint = constrain({ type: "schema", schema });
      const budget = constraint.shortest + 5;
      const bytes: number[] = [];
      for (let left = budget - 1; left >= 0; left--) {
        const tokenId = constraint.take(chosen.next().value, left);
        if (tokenId === END) break;
        bytes.push(...VOCABULARY[tokenId]!);
      }
      const text = new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes));
      expect(ajv.validate(schema, JSON.parse(text)), text).toBe(true);
    }),
  );
});

test("`shortest` is what the shortest answer takes, and goes down to 0", () => {
  const constraint = constrain({ type: "schema", schema: { enum: ["ab"] } });
  expect(constraint.shortest).toBe(4);
  expect(constraint.take(0x22, 3)).toBe(0x22);
  expect(constraint.take(0x61, 2)).toBe(0x61);
  expect(constraint.shortest).toBe(2);
  expect(constraint.take(0x62, 1)).toBe(0x62);
  expect(constraint.take(0x22, 0)).toBe(0x22);
  expect(constraint.shortest).toBe(0);
  expect(constraint.take(0x22, 10)).toBe(END);
});

test("`mask()` leaves the end token only where the answer may end, and then nothing beside it", () => {
  const constraint = constrain({ type: "json" });
  const allowed = () => {
    const logits = new Float32Array(VOCABULARY.length + 7); // models pad their vocabulary
    constraint.mask(logits);
    return [...logits.keys()].filter((id) => logits[id] === 0);
  };
  expect(allowed()).toEqual([0x7b, VOCABULARY.findIndex((bytes) => bytes.length === 2 && bytes[0] === 0x7b)]);
  constraint.take(0x7b, 100);
  expect(allowed()).not.toContain(END);
  constraint.take(0x7d, 100);
  expect(allowed()).toEqual([END]);
});

test("a format that the vocabulary cannot spell is refused", () => {
  const poor = createConstrainer(
    { bytes: VOCABULARY.map((bytes, id) => (id === 0x7b ? new Uint8Array() : bytes)), specialIds: [] },
    END,
  );
  const rich = createConstrainer({ bytes: VOCABULARY, specialIds: [] }, END);
  expect(() => rich({ type: "json" })).not.toThrow();
  expect(() => poor({ type: "json" })).toThrow("cannot spell");
});

test("`take()` stays quick in a long answer", () => {
  const properties = Object.fromEntries(
    Array.from({ length: 30 }, (_, index) => [`property ${index}`, { type: "string" }]),
  );
  const schema = { type: "array", items: { type: "object", properties, required: Object.keys(properties) } };
  const constraint = constrain({ type: "schema", schema });
  const item = JSON.stringify(Object.fromEntries(Object.keys(properties).map((key) => [key, "some text"])));
  const text = `[${Array.from({ length: 20 }, () => item).join()}`;
  const start = performance.now();
  for (const byte of new TextEncoder().encode(text)) expect(constraint.take(byte, 1e6)).toBe(byte);
  expect((performance.now() - start) / text.length).toBeLessThan(1);
});

const PROMPT = { type: "text", text: "Once upon a time" } as const;
const request = (changes: Partial<GenerateRequest>): GenerateRequest =>
  newRequest(PROMPT, { maxNewTokens: 40, sampling: { temperature: 5 }, seed: 1, format: { type: "json" }, ...changes });

const FORMATS: ReadonlyArray<readonly [OutputFormat, JsonSchema]> = [
  { type: "object" },
  {
    type: "object",
    properties: { name: { type: "string" }, age: { type: "integer", minimum: 0 } },
    required: ["name"],
  },
  { type: "array", items: { enum: ["red", "green", "blue"] }, minItems: 2 },
  { type: "object", additionalProperties: { type: ["number", "null"] } },
  {
    $ref: "#/$defs/list",
    $defs: {
      list: {
        type: "object",
        properties: { next: { anyOf: [{ $ref: "#/$defs/list" }, { type: "null" }] } },
        required: ["next"],
      },
    },
  },
].map((schema, index) => [index === 0 ? { type: "json" } : { type: "schema", schema }, schema]);

test("the embedded model answers in valid JSON, however it is drawn and however little it may write", async () => {
  const model = await embeddedModel.load();
  for (const [format, schema] of FORMATS) {
    for (const [seed, maxNewTokens] of [
      [1, 20],
      [2, 33],
      [3, 80],
    ] as const) {
      const asked = request({ format, seed, maxNewTokens });
      await check(model, asked);
      let text = "";
      let newTokens = 0;
      for await (const event of generate(model, asked)) {
        if ("text" in event) text += event.text;
        if (event.type !== "done") continue;
        newTokens = event.newTokens;
        expect(event.finishReason).toBe("stop");
      }
      expect(ajv.validate(schema, JSON.parse(text)), text).toBe(true);
      expect(newTokens).toBeLessThanOrEqual(maxNewTokens);
    }
  }
  await model.dispose();
});

test("a budget below the shortest answer is refused, and so is a schema that cannot be enforced", async () => {
  const model = await embeddedModel.load();
  const long = request({ maxNewTokens: 20, format: { type: "schema", schema: { type: "string", minLength: 500 } } });
  await expect(check(model, long)).rejects.toThrow(/The shortest answer/);
  const date = request({ format: { type: "schema", schema: { type: "string", format: "date" } } });
  await expect(check(model, date)).rejects.toThrow(/cannot be enforced/);
  await model.dispose();
});
