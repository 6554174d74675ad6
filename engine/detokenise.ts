/** What a UTF-8 decoder writes for an incomplete character; exactly one for each. https://encoding.spec.whatwg.org/ */
const REPLACEMENT = "\uFFFD";

export interface Detokeniser {
  /** The text that this token settles; a character is held back until its last byte is there. */
  push(tokenId: number): string;
  /** An incomplete character that will not be completed any more. */
  flush(): string;
}

/**
 * Token ids → text, as they come. Decodes a window that starts with the last settled token, since decoders may
 * strip a space from the first token of a text.
 */
export function createDetokeniser(decode: (tokenIds: readonly number[]) => string): Detokeniser {
  let window: number[] = [];
  let settled = 0;
  return {
    push(tokenId) {
      window.push(tokenId);
      const text = decode(window);
      const complete = !text.endsWith(REPLACEMENT);
      const fresh = text.slice(settled, complete ? text.length : -1);
      settled += fresh.length;
      if (complete) {
        window = [tokenId];
        settled = decode(window).length;
      }
      return fresh;
    },
    flush() {
      const rest = decode(window).slice(settled);
      settled += rest.length;
      return rest;
    },
  };
}
