import { parseConfig, type VaultConfig } from "../core/config.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

type Read = (text: string) => unknown;

const asIs: Read = (text) => text;
const number: Read = (text) => (text.trim() === "" ? text : Number(text));
const json: Read = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};
/** `never`, or a number. */
const limit: Read = (text) => (text === "never" || text === "none" ? null : number(text));

/** A variable for each key of `minivault.config.json`. */
const VARIABLES: Readonly<Record<string, readonly [key: string, read: Read]>> = {
  /** `https://hub,https://cdn`: the hub, and where it may redirect to. */
  MINIVAULT_HUB: ["hub", (text) => (/[\s,]/.test(text.trim()) ? text.split(/[\s,]+/).filter(Boolean) : text.trim())],
  MINIVAULT_MODEL: ["model", asIs],
  MINIVAULT_DEVICE: ["device", asIs],
  MINIVAULT_DTYPE: ["dtype", (text) => (text.startsWith("{") ? json(text) : text)],
  MINIVAULT_MODELS: ["models", json],
  MINIVAULT_RESIDENT_MODELS: ["resident_models", number],
  MINIVAULT_IDLE_UNLOAD: ["idle_unload_s", limit],
  MINIVAULT_MAX_DOWNLOAD_BYTES: ["limits.max_download_bytes", limit],
  MINIVAULT_HUB_IDS: ["limits.hub_ids", (text) => (text === "true" || text === "false" ? text === "true" : text)],
  MINIVAULT_LOG_LEVEL: ["log.level", asIs],
  /** `email,phone,card,iban`, or some of them. */
  MINIVAULT_LOG_REDACT: ["log.redact", (text) => text.split(",").map((kind) => kind.trim())],
  MINIVAULT_LOG_REDACT_PATTERNS: ["log.redact_patterns", json],
  MINIVAULT_LOG_KEEP_DAYS: ["log.keep_days", limit],
  MINIVAULT_LOG_KEEP_RECORDS: ["log.keep_records", limit],
  MINIVAULT_LOG_KEEP_BYTES: ["log.keep_bytes", limit],
  MINIVAULT_MAX_WAITING: ["max_waiting", number],
  /** `burst/per_minute`, such as `60/120`. */
  MINIVAULT_RATE_LIMIT: [
    "rate_limit",
    (text) => {
      const [burst, per_minute] = text.split("/").map(Number);
      return { burst, per_minute };
    },
  ],
};

/** Throws `bad-config` with the variable's name. One that is empty counts as none. */
export function configFrom(env: Environment): VaultConfig {
  const config: Record<string, unknown> = {};
  const groups: Record<string, Record<string, unknown>> = { limits: {}, log: {} };
  for (const [name, [key, read]] of Object.entries(VARIABLES)) {
    const text = env[name];
    if (!text) continue;
    const [first = key, second] = key.split(".");
    if (second === undefined) config[first] = read(text);
    else groups[first]![second] = read(text);
  }
  return parseConfig({ ...config, ...groups }, (key, problem) => {
    const variable = Object.entries(VARIABLES).find(([, [own]]) => key === own || key?.startsWith(`${own}.`));
    const within = variable && key !== variable[1][0] ? ` at ${key?.slice(variable[1][0].length + 1)}` : "";
    return `${variable?.[0] ?? key} is wrong${within}: ${problem}. Mend it and start again.`;
  });
}
