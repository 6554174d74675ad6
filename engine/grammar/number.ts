import { lcm, placesOf, unitsOf, wholeDigitsOf } from "./decimal.ts";
import type { NumberShape } from "./shape.ts";

/** As many as a number in JavaScript keeps. More are only written where a bound has more; a model may not know an end. */
const DIGITS = 15;
/** A bound beyond it is none; numbers that had to be larger would take longer to find than anybody waits. */
export const HUGE = 1e40;

/** A number without bounds, or the beginning of one. */
const FREE = /^-?((0|[1-9]\d{0,14})(\.\d{0,15})?)?$|^-?(0|[1-9]\d{0,14})(\.\d{1,15})?[eE][-+]?\d{0,2}$/;

/** What the numbers of a shape have in common, in units of 10^-`places`. */
interface Range {
  readonly places: number;
  readonly min: bigint;
  readonly max: bigint;
  readonly wholeDigits: number;
  /** How many digits come after the point at most, after so many before it. */
  readonly fractionDigits: (wholeDigits: number) => number;
  /** Distance of the numbers that can be written with so many digits after the point. */
  readonly grids: readonly bigint[];
}

/** The shortest that may follow what was written of a number, "" where it may end; `null` if no number begins so. */
export function numberEnding(begun: string, shape: NumberShape): string | null {
  if (isFree(shape)) return FREE.test(begun) ? (/\d$/.test(begun) ? "" : "1") : null;
  const range = rangeOf(shape);
  const below = { ...range, min: -range.max, max: -range.min };
  if (begun.startsWith("-")) return positiveEnding(begun.slice(1), below, 1n);
  if (begun !== "") return positiveEnding(begun, range, 0n);
  const negative = positiveEnding("", below, 1n);
  return shorter(positiveEnding("", range, 0n), negative && `-${negative}`);
}

/** Tries the numbers that begin so with ever more digits before the point, each with as few after it as will do. */
function positiveEnding(begun: string, range: Range, least: bigint): string | null {
  const [, whole, fraction] = /^(|0|[1-9]\d*)(?:\.(\d*))?$/.exec(begun) ?? [];
  if (whole === undefined || begun.startsWith(".") || (fraction?.length ?? 0) > range.places) return null;
  let best: string | null = null;
  const most = fraction !== undefined || whole === "0" ? whole.length : range.wholeDigits;
  for (let wholeDigits = whole.length || 1; wholeDigits <= most; wholeDigits++) {
    if (best !== null && best.length <= wholeDigits - whole.length) break;
    const [first, last] = beginningWith(whole, fraction ?? "", wholeDigits, range.places);
    if (first > range.max) break;
    const from = larger(first, larger(range.min, least));
    const to = -larger(-last, -range.max);
    const text = from > to ? null : roundest(from, to, wholeDigits, fraction, range);
    best = shorter(best, text?.slice(begun.length) ?? null);
  }
  return best;
}

/** The least and the greatest number that begin so and have so many digits before the point. */
function beginningWith(
  whole: string,
  fraction: string,
  wholeDigits: number,
  places: number,
): readonly [bigint, bigint] {
  const digits = whole + fraction;
  const missing = wholeDigits + places - digits.length;
  // A number of several digits does not begin with 0.
  const least = digits === "" && wholeDigits > 1 ? `1${"0".repeat(missing - 1)}` : digits + "0".repeat(missing);
  return [BigInt(least), BigInt(digits + "9".repeat(missing))];
}

/** A number between the two, with as few digits after the point as there is one. */
function roundest(from: bigint, to: bigint, wholeDigits: number, fraction: string | undefined, range: Range) {
  const most = range.fractionDigits(wholeDigits);
  for (let digits = fraction === undefined ? 0 : Math.max(1, fraction.length); digits <= most; digits++) {
    const grid = range.grids[digits]!;
    const found = ((from + grid - 1n) / grid) * grid;
    if (found <= to) return write(found, digits, range.places);
  }
  return null;
}

function write(units: bigint, digits: number, places: number): string {
  const text = String(units / 10n ** BigInt(places - digits)).padStart(digits + 1, "0");
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);

const boundsOf = ({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: NumberShape) =>
  [minimum, maximum, exclusiveMinimum, exclusiveMaximum].filter(Number.isFinite);

const isFree = (shape: NumberShape): boolean => shape.steps.length === 0 && boundsOf(shape).length === 0;

const ranges = new WeakMap<NumberShape, Range>();

function rangeOf(shape: NumberShape): Range {
  const known = ranges.get(shape);
  if (known) return known;
  const bounds = boundsOf(shape).filter((bound) => Math.abs(bound) <= HUGE);
  const most = (digits: (value: number) => number) => Math.max(0, ...[...bounds, ...shape.steps].map(digits));
  const wholeDigits = Math.max(DIGITS, most(wholeDigitsOf) + 1);
  // One more than the bounds have, for there may be room only between two of theirs.
  const places = Math.max(DIGITS, most(placesOf) + 1);
  const limit = 10n ** BigInt(wholeDigits + places) - 1n;
  const inUnits = (value: number) => (value > HUGE ? limit + 1n : value < -HUGE ? -limit - 1n : unitsOf(value, places));
  // A multiple that is out of reach is none, by whatever it is divided besides.
  const both = (a: bigint, b: bigint) => -larger(-lcm(a, b), -(limit + 1n));
  const step = shape.steps.map(inUnits).reduce(both, 1n);
  const grids = Array.from({ length: places + 1 }, (_, digits) => lcm(10n ** BigInt(places - digits), step));
  const enough = shape.steps.length > 0 ? grids.indexOf(step) : most(placesOf) + 1;
  const range: Range = {
    places,
    min: larger(inUnits(shape.minimum), larger(inUnits(shape.exclusiveMinimum) + 1n, -limit)),
    max: -larger(-inUnits(shape.maximum), larger(-inUnits(shape.exclusiveMaximum) + 1n, -limit)),
    wholeDigits,
    fractionDigits: (digits) => (shape.steps.length > 0 ? enough : Math.max(enough, DIGITS - digits)),
    grids,
  };
  ranges.set(shape, range);
  return range;
}

const shorter = (a: string | null, b: string | null): string | null =>
  a !== null && (b === null || a.length <= b.length) ? a : b;
