import { VaultError } from "../../core/errors.ts";

/** A JSON Schema. https://json-schema.org/draft/2020-12/json-schema-validation */
export type Schema = boolean | Keywords;

/** The keywords that a grammar can hold the answer to. Of the rest, {@link REFUSED} are refused and others only notes. */
export interface Keywords {
  readonly type?: Type | readonly Type[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly prefixItems?: readonly Schema[];
  /** A list of them is what `prefixItems` was until 2019-09. */
  readonly items?: Schema | readonly Schema[];
  readonly additionalItems?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema;
  readonly propertyNames?: Schema;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly $ref?: string;
}

export const TYPES = ["null", "boolean", "integer", "number", "string", "array", "object"] as const;
export type Type = (typeof TYPES)[number];

type Check = readonly [what: string, holds: (value: unknown) => boolean];

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isSchema = (value: unknown) => typeof value === "boolean" || isObject(value);
const isType = (value: unknown) => TYPES.includes(value as Type);
const listOf = (holds: (value: unknown) => boolean) => (value: unknown) => Array.isArray(value) && value.every(holds);

const NUMBER: Check = ["a number", Number.isFinite];
const COUNT: Check = ["a whole number", (value) => Number.isInteger(value) && (value as number) >= 0];
const SCHEMA: Check = ["a schema", isSchema];
const SCHEMAS: Check = ["a list of schemas", listOf(isSchema)];

const CHECKS: { readonly [Key in keyof Required<Keywords>]: Check } = {
  type: [`one or more of ${TYPES.join(", ")}`, (value) => isType(value) || listOf(isType)(value)],
  const: ["a value", () => true],
  enum: ["a list", Array.isArray],
  minimum: NUMBER,
  maximum: NUMBER,
  exclusiveMinimum: NUMBER,
  exclusiveMaximum: NUMBER,
  multipleOf: ["a number above 0", (value) => Number.isFinite(value) && (value as number) > 0],
  minLength: COUNT,
  maxLength: COUNT,
  prefixItems: SCHEMAS,
  items: ["a schema", (value) => isSchema(value) || listOf(isSchema)(value)],
  additionalItems: SCHEMA,
  minItems: COUNT,
  maxItems: COUNT,
  properties: ["an object of schemas", (value) => isObject(value) && Object.values(value).every(isSchema)],
  required: ["a list of names", listOf((name) => typeof name === "string")],
  additionalProperties: SCHEMA,
  propertyNames: SCHEMA,
  allOf: SCHEMAS,
  anyOf: SCHEMAS,
  oneOf: SCHEMAS,
  $ref: ["a text", (value) => typeof value === "string"],
};

/** They judge a value by more than what was written of it so far, so no grammar can keep to them. */
const REFUSED = new Set(
  (
    "pattern patternProperties not if then else contains minContains maxContains uniqueItems minProperties maxProperties " +
    "dependentRequired dependentSchemas dependencies unevaluatedItems unevaluatedProperties $dynamicRef $recursiveRef"
  ).split(" "),
);
/** Formats that are more than notes. Others, such as `int32`, are not. */
const REFUSED_FORMATS = new Set(
  (
    "date time date-time duration email idn-email hostname idn-hostname ipv4 ipv6 uuid uri uri-reference uri-template " +
    "iri iri-reference regex json-pointer relative-json-pointer"
  ).split(" "),
);

/** Checks the keywords of a schema, though not the schemas within. */
export function readKeywords(schema: Exclude<Schema, boolean>): Keywords {
  for (const [keyword, value] of Object.entries(schema)) {
    if (REFUSED.has(keyword) && value !== false) refuse(`no grammar can hold an answer to \`${keyword}\``);
    if (keyword === "format" && REFUSED_FORMATS.has(value)) {
      refuse(`no grammar can hold an answer to the \`format\` ${JSON.stringify(value)}`);
    }
    const [what, holds] = Object.hasOwn(CHECKS, keyword) ? CHECKS[keyword as keyof Keywords] : CHECKS.const;
    if (!holds(value)) refuse(`\`${keyword}\` is not ${what}`);
  }
  return schema;
}

/** Follows a JSON pointer. https://www.rfc-editor.org/rfc/rfc6901 */
export function followReference(root: Schema, reference: string): Schema {
  if (!/^#(\/|$)/.test(reference)) refuse(`\`$ref\` ${JSON.stringify(reference)} leads elsewhere`);
  let found: unknown = root;
  for (const escaped of reference.split("/").slice(1)) {
    const key = decode(escaped).replaceAll("~1", "/").replaceAll("~0", "~");
    const isThere = typeof found === "object" && found !== null && Object.hasOwn(found, key);
    found = isThere ? (found as Record<string, unknown>)[key] : undefined;
  }
  return isSchema(found) ? (found as Schema) : refuse(`\`$ref\` ${JSON.stringify(reference)} leads to no schema`);
}

/** Of a fragment of a URI; as it stands if it is none. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function refuse(why: string): never {
  throw new VaultError(
    "bad-request",
    `The schema cannot be enforced: ${why}. Leave that part out, or ask in other words.`,
  );
}
