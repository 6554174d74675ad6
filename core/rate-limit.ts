import { VaultError } from "./errors.ts";

export interface RateLimit {
  /** Requests that a client may send at once. */
  readonly burst: number;
  /** Requests a minute that it may go on with. */
  readonly perMinute: number;
}

/** Generous: it stops a loop that ran wild, not a person, nor a test suite. */
export const DEFAULT_RATE_LIMIT: RateLimit = { burst: 600, perMinute: 1200 };

export interface RateLimiter {
  /** Takes one token from the client's bucket; throws `rate-limited` if it is empty. Returns `RateLimit-*` headers. */
  take(client: string): Record<string, string>;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/** More clients than this are not remembered: those whose buckets are full again are forgotten first. */
const MAX_CLIENTS = 1000;

/** A token bucket for each client. */
export function createRateLimiter({ burst, perMinute }: RateLimit, now: () => number): RateLimiter {
  const buckets = new Map<string, Bucket>();
  const perMs = perMinute / 60_000;

  const refilled = ({ tokens, atMs }: Bucket): number => Math.min(burst, tokens + Math.max(0, now() - atMs) * perMs);

  const forget = () => {
    for (const [client, bucket] of buckets) if (refilled(bucket) >= burst) buckets.delete(client);
    for (const client of buckets.keys()) if (buckets.size > MAX_CLIENTS) buckets.delete(client);
  };

  return {
    take(client) {
      const tokens = refilled(buckets.get(client) ?? { tokens: burst, atMs: now() });
      const left = tokens >= 1 ? tokens - 1 : tokens;
      buckets.set(client, { tokens: left, atMs: now() });
      if (buckets.size > MAX_CLIENTS) forget();
      const headers = headersFor(Math.floor(left), (burst - left) / perMs);
      if (tokens >= 1) return headers;
      const retryS = Math.max(1, Math.ceil((1 - tokens) / perMs / 1000));
      throw new VaultError(
        "rate-limited",
        `This page has sent more than ${burst} requests at once and ${perMinute} a minute. Try again in ${retryS} s.`,
        { headers: { ...headers, "retry-after": String(retryS) } },
      );
    },
  };

  /** https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/06/ */
  function headersFor(remaining: number, untilFullMs: number): Record<string, string> {
    return {
      "ratelimit-limit": String(burst),
      "ratelimit-remaining": String(remaining),
      "ratelimit-reset": String(Math.ceil(untilFullMs / 1000)),
      "ratelimit-policy": `${burst};w=${Math.ceil(burst / perMs / 1000)}`,
    };
  }
}
