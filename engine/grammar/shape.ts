import type { Effort } from "./effort.ts";
import type { Schema } from "./schema.ts";

/** What a value may be, without `$ref`, `allOf` and the like. A schema is a list of them, any of which will do. */
export type Shape = FixedShape | NumberShape | StringShape | ArrayShape | ObjectShape;

interface FixedShape {
  readonly kind: "fixed";
  readonly value: unknown;
}

export interface NumberShape {
  readonly kind: "number";
  readonly minimum: number;
  readonly maximum: number;
  readonly exclusiveMinimum: number;
  readonly exclusiveMaximum: number;
  /** It is a multiple of each. Whole numbers are the multiples of 1. */
  readonly steps: readonly number[];
}

/** Lengths are in code points. */
export interface StringShape {
  readonly kind: "string";
  readonly min: number;
  readonly max: number;
}

export interface ArrayShape {
  readonly kind: "array";
  readonly min: number;
  readonly max: number;
  readonly prefix: readonly Schema[];
  /** Of the items after `prefix`. */
  readonly rest: Schema;
}

export interface ObjectShape {
  readonly kind: "object";
  readonly named: ReadonlyMap<string, Schema>;
  readonly required: readonly string[];
  readonly others: Schema;
  /** The schema says itself what other members there may be. */
  readonly open: boolean;
}

/** Reads a schema, once. */
export interface ShapesOf {
  (schema: Schema): readonly Shape[];
  /** What that and all that follows from it takes. */
  readonly effort: Effort;
  /** Those that an answer could come to. */
  readonly all: readonly Schema[];
}

/** What the schema says of a member by that name. */
export const memberSchema = ({ named, others }: ObjectShape, name: string): Schema => named.get(name) ?? others;

/** What the schema says of an item at that place. */
export const itemSchema = ({ prefix, rest }: ArrayShape, index: number): Schema => prefix[index] ?? rest;

/**
 * Whether members are written that the schema does not name. It may allow them by saying nothing of them; but a model
 * that may make up names hardly comes to the required ones. Other servers of structured answers do the same.
 */
export const writesOthers = ({ open, named, required, others }: ObjectShape): boolean =>
  others !== false && (open || named.size + required.length === 0);
