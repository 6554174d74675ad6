/** A decimal number, exactly: `units` of 10^-`places`. */
interface Decimal {
  readonly units: bigint;
  readonly places: number;
}

function decimalOf(value: number): Decimal {
  const [, whole = "", fraction = "", exponent = "0"] =
    /^(-?\d+)(?:\.(\d+))?(?:e([-+]\d+))?$/.exec(String(value)) ?? [];
  const places = fraction.length - Number(exponent);
  const units = BigInt(whole + fraction);
  return places < 0 ? { units: units * 10n ** BigInt(-places), places: 0 } : { units, places };
}

/** Digits after the point. */
export const placesOf = (value: number): number => decimalOf(value).places;

/** Digits before the point. */
export const wholeDigitsOf = (value: number): number =>
  String(unitsOf(value, placesOf(value))).length - placesOf(value);

/** `value` in units of 10^-`places`, of which it has no more. */
export function unitsOf(value: number, places: number): bigint {
  const decimal = decimalOf(value);
  return decimal.units * 10n ** BigInt(places - decimal.places);
}

/** Whether `value` is a multiple of `step`; exactly, so 0.3 is one of 0.1. */
export function divides(step: number, value: number): boolean {
  const places = Math.max(placesOf(step), placesOf(value));
  return unitsOf(value, places) % unitsOf(step, places) === 0n;
}

/** The least common multiple. */
export const lcm = (a: bigint, b: bigint): bigint => (a / gcd(a, b)) * b;

const gcd = (a: bigint, b: bigint): bigint => (b === 0n ? a : gcd(b, a % b));
