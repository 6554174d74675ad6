import type { TokenEvent } from "../protocol.ts";

/** Events of an answer, up to where a write failed. */
export function withoutGaps(events: readonly TokenEvent[]): readonly TokenEvent[] {
  let tokens = 0;
  const broken = events.findIndex((event, place) => {
    if (place === 0) return event.type !== "start";
    if (event.type === "token") return event.index !== tokens++;
    return event.type !== "done" || event.newTokens !== tokens;
  });
  return broken === -1 ? events : events.slice(0, broken);
}
