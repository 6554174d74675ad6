const UNIT_MS: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1e3, m: 6e4, h: 36e5 };

/** As Go writes them, https://pkg.go.dev/time#ParseDuration; also without a unit, in seconds. */
export const DURATION = /^[-+]?((\d+\.?\d*|\.\d+)|((\d+\.?\d*|\.\d+)([nuµμm]?s|m|h))+)$/;
const PART = /(\d+\.?\d*|\.\d+)([nuµμm]?s|m|h)?/g;

/** Seconds, or Go's durations; below zero is for ever. */
export function durationMs(given: string | number | null | undefined): number | null {
  if (given == null) return null;
  if (typeof given === "number") return given < 0 ? Number.POSITIVE_INFINITY : given * 1000;
  const parts = [...given.matchAll(PART)];
  const ms = parts.reduce((sum, [, amount, unit = "s"]) => sum + Number(amount) * (UNIT_MS[unit] ?? 0), 0);
  return given.startsWith("-") && ms > 0 ? Number.POSITIVE_INFINITY : ms;
}
