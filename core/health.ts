import type { Engine, LogSink } from "./protocol.ts";
import type { Queue } from "./queue.ts";

/** Latencies are taken from the newest exchanges: memory that survives a stopped service worker. */
const SAMPLE = 200;

export interface HealthSources {
  readonly engine: Engine;
  readonly queue: Queue;
  readonly log: LogSink;
  readonly logFailures: number;
}

/** 200 `{"status": "ok", …}`, or 503 in llama.cpp's shape while no model can answer. Never starts a load. */
export async function healthResponse({ engine, queue, log, logFailures }: HealthSources): Promise<Response> {
  const status = await engine.status();
  const facts = {
    ...(status.state === "ready"
      ? {
          model: status.model,
          device: status.device,
          threads: status.threads,
          context_tokens: status.contextTokens,
          load_ms: Math.round(status.loadMs),
          uptime_s: Math.round(status.uptimeMs / 1000),
          fallback: status.fallback,
        }
      : {}),
    ...(status.state === "loading"
      ? { model: status.model, loaded_bytes: status.loadedBytes, total_bytes: status.totalBytes }
      : {}),
    queue: { active: queue.active, waiting: queue.waiting, max_waiting: queue.maxWaiting },
    log: { failures: logFailures, ...(await recentLatencies(log)) },
  };
  if (status.state === "ready") return json(200, { status: "ok", ...facts });
  const message = {
    absent: "No page hosts the engine. Open MiniVault in a tab.",
    loading: "Loading model",
    failed: status.state === "failed" ? status.error.detail : "",
  }[status.state];
  const error = { code: 503, message, type: "unavailable_error" };
  return json(503, { status: status.state, error, ...facts }, { "retry-after": "2" });
}

async function recentLatencies(log: LogSink) {
  const totals: number[] = [];
  const firsts: number[] = [];
  let requests = 0;
  const reader = log.read({ order: "desc", limit: SAMPLE }).getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      requests++;
      if (next.value.ttft_ms === null) continue;
      firsts.push(next.value.ttft_ms);
      if (next.value.duration_ms !== null) totals.push(next.value.duration_ms);
    }
  } catch {
    return { readable: false }; // storage denied: health still answers
  }
  return { readable: true, recent_requests: requests, latency_ms: spread(totals), ttft_ms: spread(firsts) };
}

/** Mean and nearest-rank percentiles. */
function spread(values: number[]) {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const percentile = (p: number) => sorted[Math.ceil((p / 100) * sorted.length) - 1];
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  return { mean: Math.round(mean * 10) / 10, p50: percentile(50), p95: percentile(95) };
}

function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store", ...headers } });
}
