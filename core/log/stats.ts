import type { LogLine } from "./log-line.ts";
import type { LogRecord } from "./log-record.ts";

/** One day of one model. */
interface Group {
  readonly day: string;
  readonly model: string | null;
  requests: number;
  readonly finishReasons: Record<string, number>;
  promptTokens: number;
  completionTokens: number;
  readonly durations: number[];
  readonly firstTokens: number[];
  readonly speeds: number[];
}

/** Sums and percentiles of the log, by day and model. A few numbers of each record are in memory at a time. */
export async function statsOf(pages: ReadableStream<readonly LogLine[]>) {
  const groups = new Map<string, Group>();
  const reader = pages.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    for (const { record } of next.value) add(groupOf(groups, record), record);
  }
  return [...groups.values()].map((group) => ({
    day: group.day,
    model: group.model,
    requests: group.requests,
    finish_reasons: group.finishReasons,
    prompt_tokens: group.promptTokens,
    completion_tokens: group.completionTokens,
    duration_ms: percentiles(group.durations),
    ttft_ms: percentiles(group.firstTokens),
    tokens_per_s: percentiles(group.speeds),
  }));
}

function groupOf(groups: Map<string, Group>, { timestamp, model }: LogRecord): Group {
  const day = timestamp.slice(0, 10);
  const key = JSON.stringify([day, model]);
  let group = groups.get(key);
  if (!group) {
    group = {
      day,
      model,
      requests: 0,
      finishReasons: {},
      promptTokens: 0,
      completionTokens: 0,
      durations: [],
      firstTokens: [],
      speeds: [],
    };
    groups.set(key, group);
  }
  return group;
}

function add(group: Group, { finish_reason, usage, duration_ms, ttft_ms, tokens_per_s }: LogRecord): void {
  const reason = finish_reason ?? "open";
  group.requests++;
  group.finishReasons[reason] = (group.finishReasons[reason] ?? 0) + 1;
  group.promptTokens += usage?.prompt_tokens ?? 0;
  group.completionTokens += usage?.completion_tokens ?? 0;
  if (duration_ms !== null) group.durations.push(duration_ms);
  if (ttft_ms !== null) group.firstTokens.push(ttft_ms);
  if (tokens_per_s !== null) group.speeds.push(tokens_per_s);
}

/** By nearest rank; `null` of nothing. */
function percentiles(values: readonly number[]) {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
  return { p50: at(0.5), p90: at(0.9), p95: at(0.95), p99: at(0.99), max: at(1) };
}
