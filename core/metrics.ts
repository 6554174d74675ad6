import type { Vault } from "./dialect.ts";
import type { Histogram } from "./log/log-record.ts";
import { BUCKETS_S, NO_TOTALS } from "./log/totals.ts";
import { VERSION } from "./version.ts";

/** https://prometheus.io/docs/instrumenting/exposition_formats/ */
export const PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [suffix: string, labels: Labels, value: number];

/** llama.cpp's names under `minivault_`, and a few of our own. */
export async function metricsText({ engine, log, queue, active, logFailures }: Vault): Promise<string> {
  const totals = await log.totals().catch(() => NO_TOTALS); // storage denied: what is left still counts
  const status = await engine.status();
  const decoded = totals.predictedTokens;
  const model = status.state === "ready" ? { model: status.model, device: status.device } : { model: "", device: "" };
  return [
    counter("prompt_tokens_total", "Prompt tokens processed.", totals.promptTokens),
    counter("prompt_seconds_total", "Time spent on prompts, in seconds.", totals.promptSeconds),
    counter("tokens_predicted_total", "Tokens generated.", totals.predictedTokens),
    counter("tokens_predicted_seconds_total", "Time spent on generation, in seconds.", totals.predictedSeconds),
    counter("n_decode_total", "Decode steps.", decoded),
    gauge("n_tokens_max", "Tokens of the longest exchange, prompt and answer.", totals.longestTokens),
    gauge("prompt_tokens_seconds", "Average prompt tokens a second.", rate(totals.promptTokens, totals.promptSeconds)),
    gauge("predicted_tokens_seconds", "Average tokens generated a second.", rate(decoded, totals.predictedSeconds)),
    gauge("requests_processing", "Requests being answered.", active ? 1 : 0),
    gauge("requests_deferred", "Requests that wait for their turn.", queue.waiting),
    gauge("n_busy_slots_per_decode", "Average number of busy slots in a decode step.", decoded > 0 ? 1 : 0),
    family(
      "requests_total",
      "counter",
      "Exchanges that ended, by dialect and by what ended them.",
      totals.requests.map(({ count, ...labels }) => ["", labels, count] as const),
    ),
    histogram("request_duration_seconds", "Time from request to end of answer, in seconds.", totals.latency),
    histogram("time_to_first_token_seconds", "Time from request to first token, in seconds.", totals.ttft),
    counter(
      "log_failures_total",
      "Log records that could not be stored since the service worker started.",
      logFailures,
    ),
    gauge("engine_ready", "Whether a model can answer.", status.state === "ready" ? 1 : 0),
    family("info", "gauge", "Version, model and device.", [["", { version: VERSION, ...model }, 1]]),
  ].join("");
}

const rate = (count: number, seconds: number): number => (seconds > 0 ? count / seconds : 0);

const counter = (name: string, help: string, value: number) => family(name, "counter", help, [["", {}, value]]);
const gauge = (name: string, help: string, value: number) => family(name, "gauge", help, [["", {}, value]]);

/** Buckets are cumulative: each counts what the smaller ones count as well. */
function histogram(name: string, help: string, { counts, sum }: Histogram): string {
  let total = 0;
  const buckets = [...BUCKETS_S, "+Inf"].map((bound, index): Sample => {
    total += counts[index] ?? 0;
    return ["_bucket", { le: String(bound) }, total];
  });
  return family(name, "histogram", help, [...buckets, ["_sum", {}, sum], ["_count", {}, total]]);
}

function family(name: string, type: string, help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([suffix, labels, value]) => `minivault_${name}${suffix}${labelText(labels)} ${value}\n`);
  return `# HELP minivault_${name} ${help}\n# TYPE minivault_${name} ${type}\n${lines.join("")}`;
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${escapeLabel(value)}"`);
  return pairs.length > 0 ? `{${pairs.join(",")}}` : "";
}

const escapeLabel = (value: string): string => value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
