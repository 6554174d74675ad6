import { VaultError } from "../errors.ts";
import type { LogRecord } from "./log-schema.ts";
import { textsOf, wordsOf } from "./words.ts";

/** Which records; `null`: all of them. */
export interface LogFilter {
  /** The first `timestamp_ns` that counts. */
  readonly fromNs: string | null;
  /** The first one that does not. */
  readonly toNs: string | null;
  readonly model: string | null;
  readonly mode: string | null;
  readonly finishReason: string | null;
  /** Each of them is somewhere in its texts. */
  readonly words: readonly string[];
}

/** Where a record stands: no two stand at the same place. */
export interface Place {
  readonly ns: string;
  readonly id: string;
}

export interface LogQuery extends LogFilter {
  /** `desc`: newest first. */
  readonly order: "asc" | "desc";
  readonly limit: number;
  /** Go on behind this one, in this order. */
  readonly after: Place | null;
}

const NO_FILTER: LogFilter = { fromNs: null, toNs: null, model: null, mode: null, finishReason: null, words: [] };
export const EVERYTHING: LogQuery = { ...NO_FILTER, order: "asc", limit: Number.POSITIVE_INFINITY, after: null };

/** Negative: `a` comes first. */
export function comparePlaces(a: Place, b: Place): number {
  if (a.ns !== b.ns) return a.ns < b.ns ? -1 : 1;
  return a.id === b.id ? 0 : a.id < b.id ? -1 : 1;
}

export const placeOf = ({ timestamp_ns, id }: LogRecord): Place => ({ ns: timestamp_ns, id });

export function matches(record: LogRecord, filter: LogFilter): boolean {
  const { fromNs, toNs, model, mode, finishReason, words } = filter;
  if (fromNs !== null && record.timestamp_ns < fromNs) return false;
  if (toNs !== null && record.timestamp_ns >= toNs) return false;
  if (model !== null && record.model !== model) return false;
  if (mode !== null && record.mode !== mode) return false;
  if (finishReason !== null && (record.finish_reason ?? "open") !== finishReason) return false;
  if (words.length === 0) return true;
  const has = wordsOf(textsOf(record));
  return words.every((word) => has.has(word));
}

export const FILTER_PARAMETERS = [
  { name: "from", about: "From this moment or UTC day on", example: "2026-11-21" },
  { name: "to", about: "Until before this moment or UTC day", example: "2026-11-22T12:00Z" },
  { name: "model", about: "Answered by this model", example: "minivault-demo" },
  { name: "mode", about: "full (one answer) or stream", example: "full" },
  {
    name: "finish_reason",
    about: "stop, length, cancelled, error, interrupted, or open for what is going on",
    example: "stop",
  },
  { name: "q", about: "All of these words are in its prompt, messages or response", example: "capital france" },
].map((parameter) => ({ ...parameter, in: "query" as const }));

export const QUERY_PARAMETERS = [
  ...FILTER_PARAMETERS,
  ...[
    { name: "order", about: "asc: oldest first, the default; desc: newest first", example: "desc" },
    { name: "limit", about: "How many at most; all of them if left out", example: "20" },
    {
      name: "cursor",
      about: "Go on behind a record: its timestamp_ns and its id, a colon between them",
      example: "1795309200250100000:7b1c2f0e-55f4-4c8e-9f53-0d4f6f1f4a03",
    },
  ].map((parameter) => ({ ...parameter, in: "query" as const })),
];

/** Throws `bad-request` with the name of what is wrong. */
export function parseFilter(search: URLSearchParams): LogFilter {
  const finishReason = oneOf(search, "finish_reason", ["stop", "length", "cancelled", "error", "interrupted", "open"]);
  return {
    fromNs: moment(search, "from"),
    toNs: moment(search, "to"),
    model: search.get("model"),
    mode: oneOf(search, "mode", ["full", "stream"]),
    finishReason,
    words: [...wordsOf(search.get("q") ?? "")],
  };
}

export function parseQuery(search: URLSearchParams): LogQuery {
  const limit = search.get("limit") ?? "Infinity";
  if (limit !== "Infinity" && !/^[1-9]\d{0,8}$/.test(limit)) throw bad("limit", "a whole number above 0", limit);
  const cursor = search.get("cursor");
  const [, ns, id] = /^(\d{1,20}):(.+)$/.exec(cursor ?? "") ?? [];
  if (cursor !== null && (!ns || !id))
    throw bad("cursor", "the timestamp_ns and the id of a record, as 123:abc", cursor);
  return {
    ...parseFilter(search),
    order: oneOf(search, "order", ["asc", "desc"]) ?? "asc",
    limit: Number(limit),
    after: ns && id ? { ns, id } : null,
  };
}

function oneOf<T extends string>(search: URLSearchParams, name: string, values: readonly T[]): T | null {
  const given = search.get(name);
  if (given === null) return null;
  const value = values.find((one) => one === given);
  if (!value) throw bad(name, values.join(" or "), given);
  return value;
}

const MOMENT = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/;

/** Nanoseconds; what is before 2001 has fewer digits, and nothing was logged then. */
export function moment(search: URLSearchParams, name: string): string | null {
  const given = search.get(name)?.replace(" ", "+") ?? null; // a plus in a link is a space
  if (given === null) return null;
  const ms = MOMENT.test(given) ? Date.parse(given) : Number.NaN;
  if (!Number.isFinite(ms)) throw bad(name, "a moment or a day, such as 2026-11-21T10:00Z or 2026-11-21", given);
  return ms < 1e12 ? "0" : `${BigInt(ms) * 1_000_000n}`;
}

const bad = (name: string, wanted: string, given: string) =>
  new VaultError("bad-request", `${name} must be ${wanted}, not ${JSON.stringify(given)}.`);
