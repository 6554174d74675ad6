import { parseConfig } from "./config.ts";
import { LOG_ALL, type LogRules } from "./log/log-rules.ts";
import { createRedactor } from "./log/redact.ts";
import { KEEP_ALL, type Retention } from "./log/retention.ts";
import { DEFAULT_MAX_WAITING } from "./queue.ts";
import { DEFAULT_RATE_LIMIT, type RateLimit } from "./rate-limit.ts";

/** What a site's owner decides about requests. */
export interface SiteRules {
  readonly maxWaiting: number;
  readonly rateLimit: RateLimit;
  readonly log: LogRules;
  readonly retention: Retention;
}

/**
 * The rules of `minivault.config.json`. A file that is wrong is for the engine to report, which reads it at every visit;
 * here it must not have more logged than its owner wants, nor less kept.
 *
 * @param read never called twice
 */
export async function rulesOf(read: () => Promise<Response>): Promise<SiteRules> {
  try {
    const response = await read();
    const { max_waiting, rate_limit, log } = parseConfig(response.status === 404 ? {} : await response.json());
    return {
      maxWaiting: max_waiting,
      rateLimit: { burst: rate_limit.burst, perMinute: rate_limit.per_minute },
      log: { level: log.level, redactor: createRedactor({ kinds: log.redact, patterns: log.redact_patterns }) },
      retention: { days: log.keep_days, records: log.keep_records, bytes: log.keep_bytes },
    };
  } catch {
    return {
      maxWaiting: DEFAULT_MAX_WAITING,
      rateLimit: DEFAULT_RATE_LIMIT,
      log: { ...LOG_ALL, level: "metadata" },
      retention: KEEP_ALL,
    };
  }
}
