import type { Histogram, LogRecord, Totals } from "./log-record.ts";

/** Upper bounds in seconds: from a cached answer of the embedded model to a long one on a slow device. */
export const BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300] as const;

const EMPTY: Histogram = { counts: new Array<number>(BUCKETS_S.length + 1).fill(0), sum: 0 };

export const NO_TOTALS: Totals = {
  requests: [],
  promptTokens: 0,
  promptSeconds: 0,
  predictedTokens: 0,
  predictedSeconds: 0,
  longestTokens: 0,
  latency: EMPTY,
  ttft: EMPTY,
};

/**
 * The totals with one more ended request. Latencies are those of exchanges in which the model said something.
 *
 * @param before the record as an earlier request ended it, if this one went on with its stream: the prompt was read
 *   again, its tokens were not computed again
 */
export function addRecord(totals: Totals, record: LogRecord, before: LogRecord | null = null): Totals {
  const { usage, prompt_ms, predicted_ms, ttft_ms, duration_ms } = record;
  const answered = ttft_ms !== null && before === null;
  return {
    requests: countOne(totals.requests, record.dialect ?? "none", record.finish_reason ?? "none"),
    promptTokens: totals.promptTokens + (usage?.prompt_tokens ?? 0),
    promptSeconds: totals.promptSeconds + (prompt_ms ?? 0) / 1000,
    predictedTokens: totals.predictedTokens + (usage?.completion_tokens ?? 0) - (before?.usage?.completion_tokens ?? 0),
    predictedSeconds: totals.predictedSeconds + (predicted_ms ?? 0) / 1000,
    longestTokens: Math.max(totals.longestTokens, usage?.total_tokens ?? 0),
    latency: answered && duration_ms !== null ? observe(totals.latency, duration_ms / 1000) : totals.latency,
    ttft: answered ? observe(totals.ttft, ttft_ms / 1000) : totals.ttft,
  };
}

function countOne(requests: Totals["requests"], dialect: string, outcome: string): Totals["requests"] {
  const isIt = (row: Totals["requests"][number]) => row.dialect === dialect && row.outcome === outcome;
  if (!requests.some(isIt)) return [...requests, { dialect, outcome, count: 1 }];
  return requests.map((row) => (isIt(row) ? { ...row, count: row.count + 1 } : row));
}

function observe({ counts, sum }: Histogram, seconds: number): Histogram {
  const found = BUCKETS_S.findIndex((bound) => seconds <= bound);
  const bucket = found === -1 ? BUCKETS_S.length : found;
  return { counts: counts.map((count, index) => (index === bucket ? count + 1 : count)), sum: sum + seconds };
}
