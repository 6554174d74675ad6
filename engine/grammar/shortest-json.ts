import { type ByteText, jsonBytes } from "./byte-text.ts";
import { numberEnding } from "./number.ts";
import type { Schema } from "./schema.ts";
import { itemSchema, memberSchema, type Shape, type ShapesOf } from "./shape.ts";

/** A value that nests deeper than this does not end, or is not worth it. */
export const MAX_DEPTH = 64;
/** Nor is one of more bytes: no context has room for it. */
export const MAX_LENGTH = 100_000;

/** Finds the shortest value of a schema or of a shape, as JSON; `null` if there is none. */
export interface Shortest {
  (schema: Schema): ByteText | null;
  ofShape(shape: Shape): ByteText | null;
}

export function createShortest(shapesOf: ShapesOf): Shortest {
  const { effort } = shapesOf;
  /** By shapes, then by the depth that is left. */
  const known = new Map<readonly Shape[], Map<number, ByteText | null>>();

  function ofSchema(schema: Schema, depth: number): ByteText | null {
    if (depth === 0) return null;
    const shapes = shapesOf(schema);
    const byDepth = known.get(shapes) ?? new Map<number, ByteText | null>();
    known.set(shapes, byDepth);
    let text = byDepth.get(depth);
    if (text === undefined) {
      text = shapes.map((shape) => ofShape(shape, depth)).reduce(shorter, null);
      effort.spend(1 + (text?.length ?? 0));
      byDepth.set(depth, text);
    }
    return text;
  }

  function ofShape(shape: Shape, depth: number): ByteText | null {
    switch (shape.kind) {
      case "fixed":
        return jsonBytes(shape.value);
      case "number":
        return numberEnding("", shape);
      case "string":
        return shape.min > Math.min(shape.max, MAX_LENGTH) ? null : `"${"a".repeat(shape.min)}"`;
      case "array":
        if (shape.min > Math.min(shape.max, MAX_LENGTH)) return null;
        return list("[]", shape.min, (index) => ofSchema(itemSchema(shape, index), depth - 1));
      case "object":
        return list("{}", shape.required.length, (index) => {
          const name = shape.required[index]!;
          const value = ofSchema(memberSchema(shape, name), depth - 1);
          return value === null ? null : `${jsonBytes(name)}:${value}`;
        });
    }
  }

  function list(brackets: string, size: number, partAt: (index: number) => ByteText | null): ByteText | null {
    let text = "";
    for (let index = 0; index < size; index++) {
      const part = partAt(index);
      if (part === null || text.length > MAX_LENGTH) return null;
      effort.spend(part.length);
      text += index === 0 ? part : `,${part}`;
    }
    return `${brackets[0]}${text}${brackets[1]}`;
  }

  return Object.assign((schema: Schema) => ofSchema(schema, MAX_DEPTH), {
    ofShape: (shape: Shape) => ofShape(shape, MAX_DEPTH),
  });
}

const shorter = (a: ByteText | null, b: ByteText | null): ByteText | null =>
  a !== null && (b === null || a.length <= b.length) ? a : b;
