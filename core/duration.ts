const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Seconds, or Go's durations; below zero is for ever. */
export function durationMs(given: string | number | null | undefined): number | null {
  if (given == null) return null;
  const parts = [...String(given).matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)?/g)];
  const ms = parts.reduce((sum, [, amount, unit = "s"]) => sum + Number(amount) * (UNIT_MS[unit] ?? 0), 0);
  return String(given).startsWith("-") && ms > 0 ? Number.POSITIVE_INFINITY : ms;
}
