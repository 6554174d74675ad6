import { toJsonSchema } from "@valibot/to-json-schema";
import { LogRecord } from "./log-schema.ts";

/** JSON Schema 2020-12 of one line of the log. The build puts its JSON here, so that no page loads the library. */
export const LOG_JSON_SCHEMA: object = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "A MiniVault log record",
  ...toJsonSchema(LogRecord, { target: "draft-2020-12", errorMode: "ignore" }),
};
