import { ERRORS, VaultError } from "../errors.ts";
import type { ErrorCode } from "../protocol.ts";
import type { LogRecord } from "./log-record.ts";

/** What is stored of an exchange: nothing but a count, all but the texts, or all. The least comes first. */
export const LOG_LEVELS = ["none", "metadata", "full"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const LEVEL_HEADER = "x-minivault-log";

/** What a request asks for, but no more than its site allows. Throws `bad-request` if it asks for something else. */
export function levelOf(headers: Headers, site: LogLevel): LogLevel {
  const asked = headers.get(LEVEL_HEADER) ?? site;
  const place = LOG_LEVELS.indexOf(asked.trim().toLowerCase() as LogLevel);
  if (place === -1) {
    throw new VaultError(
      "bad-request",
      `${LEVEL_HEADER} must be none, metadata or full, not ${JSON.stringify(asked)}.`,
    );
  }
  return LOG_LEVELS[Math.min(place, LOG_LEVELS.indexOf(site))]!;
}

/** A record without what was asked and answered, and without what of it is in its options and its error. */
export function withoutTexts(record: LogRecord): LogRecord {
  const { options, error } = record;
  return {
    ...record,
    level: "metadata",
    prompt: null,
    messages: null,
    response: "",
    tokens: null,
    options: options && { ...options, stop: [], format: null, logit_bias: {} },
    error: error && { ...error, detail: ERRORS[error.code as ErrorCode]?.title ?? "" },
  };
}
