import type { Encoding } from "./encoding.ts";

/** One JSON object, when all is done. */
export const json: Encoding = {
  mediaType: "application/json",
  token: () => "",
  done: (_, { response, fields }) => JSON.stringify({ response, ...fields, generated_at: new Date().toISOString() }),
};
