import type { Vault } from "./dialect.ts";
import { EVERYTHING } from "./log/log-query.ts";
import type { LogSink } from "./log/log-record.ts";
import type { EngineStatus, Loading } from "./protocol.ts";

/** Latencies are taken from the newest exchanges: memory that survives a stopped service worker. */
const SAMPLE = 200;

/**
 * 200 `{"status": "ok", …}`, or 503 in llama.cpp's shape while no model can answer. Never starts a load. A model that
 * was unloaded is fine: the next request loads it.
 */
export async function healthResponse({ host, engine, queue, log, logFailures }: Vault): Promise<Response> {
  const status = await engine.status();
  const ok = status.state === "ready" || status.state === "unloaded";
  const facts = {
    host,
    ...factsOf(status),
    models: status.notKept === undefined ? { kept: true } : { kept: false, reason: status.notKept },
    queue: { active: queue.active, waiting: queue.waiting, max_waiting: queue.maxWaiting },
    ...(await recentExchanges(log)),
    log_failures: logFailures,
    storage: await log.storage().catch(() => null),
  };
  if (ok) return json(200, { status: "ok", ...facts });
  const error = { code: 503, message: messageOf(status), type: "unavailable_error" };
  return json(503, { status: status.state, error, ...facts }, { "retry-after": "2" });
}

function factsOf(status: EngineStatus) {
  switch (status.state) {
    case "ready":
      return {
        state: status.state,
        model: status.model,
        device: status.device,
        threads: status.threads,
        context_tokens: status.contextTokens,
        load_ms: Math.round(status.loadMs),
        uptime_s: Math.round(status.uptimeMs / 1000),
        fallback: status.fallback,
        caution: status.caution ?? null,
        self_check: {
          duration_ms: Math.round(status.selfCheck.durationMs),
          deviation: Number(status.selfCheck.deviation.toPrecision(2)),
        },
        loaded: status.residents.map(({ model }) => model),
        loading: status.loading && loadingFacts(status.loading),
      };
    case "unloaded":
      return { state: status.state, model: status.card.name };
    case "loading":
      return loadingFacts(status);
    default:
      return {};
  }
}

const loadingFacts = ({ model, phase, loadedBytes, totalBytes }: Loading) => ({
  model,
  phase,
  loaded_bytes: loadedBytes,
  total_bytes: totalBytes,
});

function messageOf(status: EngineStatus): string {
  if (status.state === "failed") return status.error.detail;
  return status.state === "loading" ? "Loading model" : "No page hosts the engine. Open MiniVault in a tab.";
}

async function recentExchanges(log: LogSink) {
  const latencies: number[] = [];
  const firsts: number[] = [];
  const reader = log.read({ ...EVERYTHING, order: "desc", limit: SAMPLE }).getReader();
  try {
    const { requests } = await log.totals();
    const count = requests.reduce((sum, row) => sum + row.count, 0);
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      for (const { record } of next.value) {
        const { ttft_ms, duration_ms } = record;
        if (ttft_ms === null) continue;
        firsts.push(ttft_ms);
        if (duration_ms !== null) latencies.push(duration_ms);
      }
    }
    return { log_readable: true, requests: count, latency_ms: spread(latencies), ttft_ms: spread(firsts) };
  } catch {
    return { log_readable: false }; // storage denied: health still answers
  }
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
