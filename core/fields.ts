import * as v from "valibot";
import { DURATION } from "./duration.ts";
import { VaultError } from "./errors.ts";
import type { JsonSchema, OutputFormat, Sampling } from "./protocol.ts";

/** Fields that bodies of several dialects share. A message completes the sentence "field must be …". */
export const must = <T extends v.GenericSchema>(message: string, schema: T) => v.config(schema, { message });

export const wholeNumber = (min: number, max: number) =>
  must(`a whole number from ${min} to ${max}`, v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max)));

const numberFrom = (min: number, max: number) =>
  must(`a number from ${min} to ${max}`, v.pipe(v.number(), v.minValue(min), v.maxValue(max)));

export const aboveZero = (max: number) =>
  must(`a number above 0 and at most ${max}`, v.pipe(v.number(), v.gtValue(0), v.maxValue(max)));

export const flag = must("true or false", v.boolean());
export const text = must("a text", v.string());
export const nonEmptyText = must("a text of at least one character", v.pipe(v.string(), v.nonEmpty()));
export const modelName = must("the name of a model", v.pipe(v.string(), v.nonEmpty()));

/** Whole characters only: half a surrogate pair would cut a character of the answer in two. */
const stopString = v.pipe(v.string(), v.nonEmpty(), v.maxLength(256), v.regex(/^\P{Surrogate}*$/u));
export const stop = must(
  "a text of 1 to 256 characters, or a list of at most 16 of them",
  v.union([stopString, v.pipe(v.array(stopString), v.maxLength(16))]),
);
export const stopList = (given: string | readonly string[] | null | undefined): readonly string[] =>
  typeof given === "string" ? [given] : (given ?? []);

export const jsonSchema = must("a JSON Schema, which is an object", v.record(v.string(), v.unknown()));

/** `"json"`, or a schema. */
export const format = must('"json" or a JSON Schema', v.union([v.literal("json"), v.literal(""), jsonSchema]));
export const formatOf = (given: v.InferOutput<typeof format> | null | undefined): OutputFormat | null => {
  if (given == null || given === "") return null;
  return given === "json" ? { type: "json" } : { type: "schema", schema: given as JsonSchema };
};

/** What the dialects agree on how to call. */
export const samplingFields = {
  temperature: v.nullish(numberFrom(0, 100)),
  top_k: v.nullish(wholeNumber(0, 1_000_000)),
  top_p: v.nullish(aboveZero(1)),
  min_p: v.nullish(numberFrom(0, 1)),
  typical_p: v.nullish(aboveZero(1)),
  frequency_penalty: v.nullish(numberFrom(-2, 2)),
  presence_penalty: v.nullish(numberFrom(-2, 2)),
};

export const logitBias = must(
  "an object of token ids and numbers from -100 to 100",
  v.record(v.pipe(v.string(), v.regex(/^\d{1,9}$/)), v.pipe(v.number(), v.minValue(-100), v.maxValue(100))),
);

/** Given fields under the names of the protocol; what is absent stays absent, for the model to fill. */
export function samplingOf(
  fields: {
    readonly [Key in keyof typeof samplingFields]?: number | null | undefined;
  } & {
    readonly repetition_penalty?: number | null | undefined;
    readonly repeat_last_n?: number | null | undefined;
    readonly logit_bias?: Readonly<Record<string, number>> | null | undefined;
  },
): Partial<Sampling> {
  const renamed = {
    temperature: fields.temperature,
    topK: fields.top_k,
    topP: fields.top_p,
    minP: fields.min_p,
    typicalP: fields.typical_p,
    repetitionPenalty: fields.repetition_penalty,
    repetitionWindow: fields.repeat_last_n,
    frequencyPenalty: fields.frequency_penalty,
    presencePenalty: fields.presence_penalty,
    logitBias: fields.logit_bias && Object.entries(fields.logit_bias).map(([id, bias]) => [Number(id), bias] as const),
  };
  return Object.fromEntries(Object.entries(renamed).filter(([, value]) => value != null)) as Partial<Sampling>;
}

/** Numbers are seconds; texts are durations as Go writes them. */
export const duration = must(
  'seconds, or a duration such as "5m"',
  v.union([
    v.pipe(v.number(), v.minValue(-1e9), v.maxValue(1e9)),
    v.pipe(v.string(), v.maxLength(32), v.regex(DURATION)),
  ]),
);

/** Other servers take negative seeds as well. */
export const anySeed = must(
  "a whole number",
  v.pipe(v.number(), v.integer(), v.minValue(Number.MIN_SAFE_INTEGER), v.maxValue(Number.MAX_SAFE_INTEGER)),
);
export const seedOf = (seed: number | null | undefined): number | null =>
  seed == null ? null : seed < 0 ? Number.MAX_SAFE_INTEGER + seed + 1 : seed;

/**
 * Fields of features that are not there: fine while they ask for nothing, or for what is done anyway.
 * docs/FIELDS.md tells why of each.
 */
export const unsupported = <const Name extends string>(names: readonly Name[], ...fine: string[]) => {
  const value = v.union([v.picklist(["", ...fine]), v.literal(false), v.array(v.picklist(fine))]);
  const field = v.nullish(must([...fine, "left out: it is not supported"].join(" or "), value));
  return Object.fromEntries(names.map((name) => [name, field])) as Record<Name, typeof field>;
};

/** A field with one value that is done. */
export const only = (value: number | boolean) =>
  v.nullish(must(`${value}: nothing else is supported`, v.literal(value)));

/** Fields that are fine each, but not together. */
export function refuseIf(wrong: unknown, field: string, why: string): void {
  if (wrong) throw new VaultError("bad-request", `${field} ${why}`, { field });
}

/** Checks an untrusted body; nothing past this point checks it again. Throws `bad-request` with the field's name. */
export function parseBody<Body>(schema: v.GenericSchema<unknown, Body>, body: unknown): Body {
  const { success, output, issues } = v.safeParse(schema, body, { abortEarly: true });
  if (success) return output;
  const [issue] = issues;
  const field = v.getDotPath(issue);
  throw new VaultError("bad-request", describe(field, issue), { field });
}

function describe(field: string | null, issue: v.BaseIssue<unknown>): string {
  if (field === null) return 'The body must be a JSON object such as {"prompt": "Hello"}.';
  if (issue.input === undefined) return `${field} is missing: see /docs for what a body needs.`;
  return `${field} must be ${issue.message}, not ${JSON.stringify(issue.input)?.slice(0, 60)}.`;
}
