/**
 * Nanoseconds since 1970: the milliseconds are those of `nowMs`, and what is below them is the high-resolution clock's,
 * as finely as the browser shows it. That clock's own milliseconds fall behind where a machine sleeps.
 * https://w3c.github.io/hr-time/#dfn-relative-high-resolution-time
 */
export function nanoseconds(nowMs: number): bigint {
  const micros = Math.floor(((performance.timeOrigin + performance.now()) % 1) * 1000);
  return BigInt(Math.floor(nowMs)) * 1_000_000n + BigInt(micros) * 1000n;
}

/** Strictly after the last one, whatever the clock says. */
export const after = (last: string | undefined, ns: string): string =>
  last === undefined || BigInt(ns) > BigInt(last) ? ns : `${BigInt(last) + 1n}`;
