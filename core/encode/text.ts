import type { Encoding } from "./encoding.ts";

/** The bare text, for `curl`. */
export const text: Encoding = {
  mediaType: "text/plain; charset=utf-8",
  token: (event) => event.text,
  done: (event) => event.text,
};
