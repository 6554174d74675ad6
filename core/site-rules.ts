import { type ConfigFile, parseConfigFile } from "./config-file.ts";
import { asVaultError, type VaultError } from "./errors.ts";
import { LOG_ALL, type LogRules } from "./log/log-rules.ts";
import { createRedactor } from "./log/redact.ts";
import { KEEP_ALL, type Retention } from "./log/retention.ts";
import { DEFAULT_MAX_WAITING } from "./queue.ts";
import { DEFAULT_RATE_LIMIT, type RateLimit } from "./rate-limit.ts";

/** What a site's owner decides about requests. */
export interface SiteRules {
  /** Requests that may wait behind the one that is being answered. */
  readonly maxWaiting: number;
  /** Of each client. */
  readonly rateLimit: RateLimit;
  /** What may be stored of an exchange. */
  readonly log: LogRules;
  /** How much of the log is kept. */
  readonly retention: Retention;
  /** `bad-config`, with which all generation is refused; `null`: nothing is wrong. */
  readonly wrong: VaultError | null;
}

export const DEFAULT_RULES: SiteRules = {
  maxWaiting: DEFAULT_MAX_WAITING,
  rateLimit: DEFAULT_RATE_LIMIT,
  log: LOG_ALL,
  retention: KEEP_ALL,
  wrong: null,
};

/** What is wrong must not have more logged than the site's owner wants, nor less kept. */
export function rulesOf(text: string): SiteRules {
  try {
    const { max_waiting, rate_limit, log } = parseConfigFile(text);
    return {
      maxWaiting: max_waiting,
      rateLimit: { burst: rate_limit.burst, perMinute: rate_limit.per_minute },
      log: { level: log.level, redactor: createRedactor({ kinds: log.redact, patterns: log.redact_patterns }) },
      retention: { days: log.keep_days, records: log.keep_records, bytes: log.keep_bytes },
      wrong: null,
    };
  } catch (cause) {
    return { ...DEFAULT_RULES, log: { ...LOG_ALL, level: "metadata" }, wrong: asVaultError(cause) };
  }
}

/**
 * For a host that outlives visits. Each engine asks the server when it starts; what it kept holds from then on, so that
 * no request of the API is followed by one that the server sees. Only where nothing is kept the server is asked, once.
 */
export function followRules(file: ConfigFile): () => Promise<SiteRules> {
  let asked: Promise<string> | undefined;
  let last: { readonly text: string; readonly rules: SiteRules } | undefined;
  return async () => {
    let text = await file.kept();
    if (text === null) {
      asked ??= file.read();
      text = await asked;
    }
    if (text !== last?.text) last = { text, rules: rulesOf(text) };
    return last.rules;
  };
}
