/** So much of what was measured before counts for half, this much later. */
const HALF_LIFE_MS = 3_000;
const SAMPLE_MS = 250;

/** Bytes per second, smoothed, from how many there are at a time. Fewer than before are a new beginning. */
export function createSpeed(): (loadedBytes: number, nowMs: number) => number {
  let last: { readonly bytes: number; readonly ms: number } | undefined;
  let speed: number | undefined;
  return (bytes, ms) => {
    if (!last || bytes < last.bytes) last = { bytes, ms };
    const elapsedMs = ms - last.ms;
    if (elapsedMs < SAMPLE_MS) return Math.round(speed ?? 0);
    const measured = ((bytes - last.bytes) / elapsedMs) * 1000;
    const weight = speed === undefined ? 1 : 1 - 0.5 ** (elapsedMs / HALF_LIFE_MS);
    speed = (speed ?? 0) * (1 - weight) + measured * weight;
    last = { bytes, ms };
    return Math.round(speed);
  };
}
