/** One server-sent event. https://html.spec.whatwg.org/multipage/server-sent-events.html */
export const sseData = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
export const SSE_END = "data: [DONE]\n\n";
export const SSE = "text/event-stream";

/** A comment, which readers skip. */
export const SSE_PING: Uint8Array = new TextEncoder().encode(": ping\n\n");

/**
 * Numbers server-sent events, so that a client can say which was the last that it has. If several make one, the last of
 * them has its id and those before the id before: who has not all of them gets all of them again.
 */
export function withIds(events: string, id: number): string {
  const parts = events.split(/(?<=\n\n)/);
  return parts.map((part, place) => `id: ${place === parts.length - 1 ? id : id - 1}\n${part}`).join("");
}

/** One line of JSONL. */
export const jsonLine = (value: unknown): string => `${JSON.stringify(value)}\n`;
export const NDJSON = "application/x-ndjson";
