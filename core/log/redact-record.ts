import type { TokenEvent } from "../protocol.ts";
import type { LogRecord } from "./log-record.ts";
import type { Redactor } from "./redact.ts";

/** A record whose texts have nothing of what the redactor finds. Token ids of a prompt tell all of it: they go. */
export function redactRecord(record: LogRecord, { redact }: Redactor): LogRecord {
  let redacted = 0;
  const hide = (text: string): string => {
    const hidden = redact(text);
    redacted += hidden.findings;
    return hidden.text;
  };
  const { prompt, messages, response, options, error } = record;
  const hidden: LogRecord = {
    ...record,
    prompt: typeof prompt === "string" ? hide(prompt) : null,
    messages: messages && hideIn(messages, hide),
    response: hide(response),
    options: options && { ...options, stop: hideIn(options.stop, hide), format: hideIn(options.format, hide) },
    error: error && { ...error, detail: hide(error.detail) },
  };
  if (Array.isArray(prompt)) redacted++;
  return { ...hidden, redacted, tokens: redacted > 0 ? null : record.tokens };
}

/** All texts within a value, keys as well. */
function hideIn<T>(value: T, hide: (text: string) => string): T;
function hideIn(value: unknown, hide: (text: string) => string): unknown {
  if (typeof value === "string") return hide(value);
  if (Array.isArray(value)) return value.map((item) => hideIn(item, hide));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [hide(key), hideIn(item, hide)]));
}

/**
 * Events of an answer that grows, for the log alone: they have its text as far as it is settled, and no token ids, which
 * would tell it.
 */
export function createEventRedactor({ settled, redact }: Redactor): (events: readonly TokenEvent[]) => TokenEvent[] {
  let raw = "";
  let told = "";
  return (events) => {
    for (const event of events) if (event.type === "token" || event.type === "done") raw += event.text;
    const text = settled(raw);
    let fresh = text.startsWith(told) ? text.slice(told.length) : "";
    told += fresh;
    return events.map((event) => {
      if (event.type === "start")
        return { ...event, options: hideIn(event.options, (text) => redact(text).text), echo: null };
      if (event.type === "error") return event;
      const part = fresh;
      fresh = "";
      return event.type === "token" ? { ...event, tokenId: 0, score: null, text: part } : { ...event, text: part };
    });
  };
}
