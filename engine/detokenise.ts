/** What a UTF-8 decoder writes for an incomplete character; exactly one for each. https://encoding.spec.whatwg.org/ */
const REPLACEMENT = "\uFFFD";

type Decode = (tokenIds: readonly number[]) => string;

export interface Detokeniser {
  /** The text that this token settles; a character is held back until its last byte is there. */
  push(tokenId: number): string;
  /** An incomplete character that will not be completed any more. */
  flush(): string;
}

/**
 * Token ids → text, as they come. Decodes a window that starts with a token which is settled and has a text, since
 * decoders may strip a space from the first token of a text.
 *
 * @param before what the text goes on from
 * @param isHalfSaid an incomplete character at the end of that was said already, as U+FFFD
 */
export function createDetokeniser(decode: Decode, before: readonly number[] = [], isHalfSaid = true): Detokeniser {
  let window = endOf(before, decode);
  /** The part of the window's text that came out. */
  let said = decode(window);
  if (!isHalfSaid && said.endsWith(REPLACEMENT)) said = said.slice(0, -1);
  return {
    push(tokenId) {
      window.push(tokenId);
      const text = decode(window);
      const isWhole = !text.endsWith(REPLACEMENT);
      const isHalfCompleted = said.endsWith(REPLACEMENT) && text[said.length - 1] !== REPLACEMENT;
      const fresh = text.slice(said.length - (isHalfCompleted ? 1 : 0), isWhole ? text.length : -1);
      if (fresh) said = isWhole ? text : text.slice(0, -1);
      const own = isWhole ? decode([tokenId]) : "";
      if (own) {
        window = [tokenId];
        said = own;
      }
      return fresh;
    },
    flush() {
      const text = decode(window);
      const rest = text.slice(said.length);
      said = text;
      return rest;
    },
  };
}

/** The last tokens, from one on that has a text which is not half a character. */
function endOf(tokenIds: readonly number[], decode: Decode): number[] {
  for (let size = 4; ; size *= 4) {
    const end = tokenIds.slice(-size);
    if (size >= tokenIds.length || /[^\uFFFD]/.test(decode(end))) return end;
  }
}
