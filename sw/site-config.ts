import { parseConfig } from "../core/config.ts";
import { DEFAULT_RATE_LIMIT, type RateLimit } from "../core/rate-limit.ts";

declare const self: ServiceWorkerGlobalScope;

/**
 * The rate limit of `minivault.config.json`: as it is kept from the last visit, else as the server has it. A file that
 * is wrong is for the engine to report, which reads it at every visit.
 */
export async function siteRateLimit(): Promise<RateLimit> {
  const url = new URL("minivault.config.json", self.registration.scope);
  try {
    const response = (await caches.match(url)) ?? (await fetch(url));
    const { rate_limit } = parseConfig(await response.json());
    return { burst: rate_limit.burst, perMinute: rate_limit.per_minute };
  } catch {
    return DEFAULT_RATE_LIMIT;
  }
}
