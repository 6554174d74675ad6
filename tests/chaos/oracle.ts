import type { GenerateInput } from "../../core/dialects/minivault.ts";
import type { LogRecord } from "../../core/log/log-record.ts";
import { APP_MODEL, type Asked } from "./ask.ts";
import type { Outage } from "./breakable-hub.ts";

export interface Verdict {
  readonly requests: number;
  /** By how they ended. */
  readonly ends: Readonly<Record<string, number>>;
  /** Pieces of text that a reader in a living tab was owed and did not get. */
  readonly lostTokens: number;
  readonly lostRecords: number;
  /** Sentences; none is as it should be. */
  readonly complaints: readonly string[];
}

/** What the judge knows beside what came. */
export interface Truth {
  /** Whole answers. */
  readonly references: ReadonlyMap<GenerateInput, string>;
  /** When the hub could not be reached, or not relied upon. */
  readonly outages: readonly Outage[];
  /** When nothing, or not all, could be stored. */
  readonly storageOutages: readonly Outage[];
  /** What is sealed cannot go on after its service worker. */
  readonly isSealed: boolean;
}

/** From the end of an outage to the last refusal that it may bring: a tab may have been frozen, or an engine on its way. */
const AFTER_OUTAGE_MS = 15_000;

/**
 * Each request ends once; its text is the reference, or the beginning of it and marked as such; it has one record, whose
 * text is the reference or the beginning of it, and whose model is the one that was asked. While the hub is away, and not
 * otherwise, its model may be refused. What was asked while storage was full or denied may have no record, or part of one.
 */
export function judge(asked: readonly Asked[], log: readonly LogRecord[], truth: Truth): Verdict {
  const { references, storageOutages, isSealed } = truth;
  const complaints: string[] = [];
  const ends: Record<string, number> = {};
  let lostTokens = 0;
  let lostRecords = 0;

  for (const { ask, atMs, text, end, ends: times } of asked) {
    const whole = references.get(ask.body) ?? "";
    const model = ask.body.model ?? APP_MODEL;
    const isStored = !storageOutages.some(({ fromMs, toMs }) => fromMs <= (end?.atMs ?? 0) && atMs <= toMs);
    const say = (what: string) => complaints.push(`${ask.id} (${ask.way}, ${end?.how}): ${what}`);
    ends[end?.how ?? "never"] = (ends[end?.how ?? "never"] ?? 0) + 1;
    if (!end) say("it never ended");
    if (end?.how === "refused" && !mayRefuse(end, model, truth)) say(`it was refused: ${end.detail}`);
    if (times > 1) say(`it ended ${times} times`);

    if (!whole.startsWith(text)) say(`it is not as it should be: ${difference(text, whole)}`);
    else if (end?.how === "done" && text !== whole)
      say(`a clean end after ${text.length} of ${whole.length} characters`);
    const isOwed = isStored && !isSealed && ask.way === "client" && (end?.how === "cut" || end?.how === "done");
    if (isOwed && text !== whole) {
      lostTokens += whole.length - text.length;
      say(`cut off for good: ${end.detail}`);
    }

    // A request whose service worker was stopped before it answered is sent again by the browser itself.
    const all = log.filter(({ request_id }) => request_id === ask.id);
    // One that a full queue refused is sent again by the page's client.
    const isTry = (record: LogRecord) => record.finish_reason === "interrupted" || record.error?.code === "queue-full";
    const own = all.some(isWhole) ? all.filter((record) => !isTry(record)) : all.slice(-1);
    if (own.length > 1) say(`it has ${own.length} records`);
    if (own.length === 0 && text !== "" && isStored) {
      lostRecords++;
      say("it has no record");
    }
    for (const record of own) {
      if (record.finish_reason === null) say("its record is still open");
      if (record.model !== null && record.model !== model) say(`${record.model} answered in place of ${model}`);
      if (isWhole(record) ? record.response !== whole : !whole.startsWith(record.response)) {
        lostRecords++;
        say(`its record (${record.finish_reason}) is wrong: ${difference(record.response, whole)}`);
      }
      if (end?.how === "done" && !isWhole(record) && isStored)
        say(`it was whole, and its record says ${record.finish_reason}`);
    }
  }
  return { requests: asked.length, ends, lostTokens, lostRecords, complaints };
}

const isWhole = ({ finish_reason }: LogRecord): boolean => finish_reason === "stop" || finish_reason === "length";

function mayRefuse({ detail, atMs }: NonNullable<Asked["end"]>, model: string, truth: Truth): boolean {
  // Requests of tabs that are gone keep their places in the queue until their turn.
  if (detail.includes("queue-full")) return true;
  const isIn = ({ fromMs, toMs }: Outage) => fromMs <= atMs && atMs <= toMs + AFTER_OUTAGE_MS;
  const isOfHub = model !== APP_MODEL;
  if (isOfHub && detail.includes("storage-full")) return truth.storageOutages.some(isIn);
  return isOfHub && detail.includes("model-unavailable") && truth.outages.some(isIn);
}

function difference(text: string, whole: string): string {
  let at = 0;
  while (at < text.length && text[at] === whole[at]) at++;
  return `after ${at} characters ${JSON.stringify(text.slice(at, at + 20))} instead of ${JSON.stringify(whole.slice(at, at + 20))}`;
}
