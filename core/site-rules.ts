import { parseConfig } from "./config.ts";
import type { LogLevel } from "./log-level.ts";
import { DEFAULT_RATE_LIMIT, type RateLimit } from "./rate-limit.ts";

/** What a site's owner decides about requests. */
export interface SiteRules {
  readonly rateLimit: RateLimit;
  readonly logLevel: LogLevel;
}

/**
 * The rules of `minivault.config.json`. A file that is wrong is for the engine to report, which reads it at every visit;
 * here it must not have more logged than its owner wants.
 *
 * @param read never called twice
 */
export async function rulesOf(read: () => Promise<Response>): Promise<SiteRules> {
  try {
    const response = await read();
    const { rate_limit, log } = parseConfig(response.status === 404 ? {} : await response.json());
    return { rateLimit: { burst: rate_limit.burst, perMinute: rate_limit.per_minute }, logLevel: log.level };
  } catch {
    return { rateLimit: DEFAULT_RATE_LIMIT, logLevel: "metadata" };
  }
}
