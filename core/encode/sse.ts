import { problemDetails } from "../errors.ts";
import type { Encoding } from "./encoding.ts";

const data = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;

/** Server-sent events: `{"token", "index"}` each, usage on the last, then `[DONE]`. */
export const sse: Encoding = {
  mediaType: "text/event-stream",
  token: ({ text, index }) => data({ token: text, index }),
  done: ({ text, newTokens }, { fields }) => `${data({ token: text, index: newTokens, ...fields })}data: [DONE]\n\n`,
  error: (error) => `event: error\n${data({ error: problemDetails(error) })}`,
};
