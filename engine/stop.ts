export interface StopFilter {
  /** Text that is safe to show, and whether a stop string has been met; nothing comes out after that. */
  push(text: string): { readonly text: string; readonly hit: boolean };
  /** What was held back, once no more text will come. */
  flush(): string;
}

/** Cuts a stream of text before the first stop string, even one that is spread over several tokens. */
export function createStopFilter(stops: readonly string[]): StopFilter {
  let held = "";
  let hit = false;
  return {
    push(text) {
      if (hit) return { text: "", hit };
      held += text;
      const at = Math.min(...stops.map((stop) => held.indexOf(stop)).filter((index) => index !== -1));
      hit = at !== Number.POSITIVE_INFINITY;
      const safe = hit ? at : held.length - longestStart(held, stops);
      const out = held.slice(0, safe);
      held = hit ? "" : held.slice(safe);
      return { text: out, hit };
    },
    flush() {
      const rest = held;
      held = "";
      return rest;
    },
  };
}

/** Length of the longest end of `text` that a stop string begins with. */
function longestStart(text: string, stops: readonly string[]): number {
  const longest = Math.max(0, ...stops.map((stop) => stop.length - 1));
  for (let length = Math.min(longest, text.length); length > 0; length--) {
    const end = text.slice(-length);
    if (stops.some((stop) => stop.startsWith(end))) return length;
  }
  return 0;
}
