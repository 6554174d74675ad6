import * as v from "valibot";
import { VaultError } from "./errors.ts";
import { DEFAULT_RATE_LIMIT } from "./rate-limit.ts";

export const DEFAULT_CONFIG = {
  hub: "https://huggingface.co",
  model: "distilgpt2",
  device: "auto",
  rate_limit: { burst: DEFAULT_RATE_LIMIT.burst, per_minute: DEFAULT_RATE_LIMIT.perMinute },
} as const;

const count = v.pipe(v.number(), v.integer(), v.minValue(1));

/** `/minivault.config.json`: what the site's owner decides. */
const Config = v.object({
  /** Origin of the model hub. The only third party that is ever contacted. */
  hub: v.optional(v.pipe(v.string(), v.url(), v.regex(/^https?:/)), DEFAULT_CONFIG.hub),
  /** A model of the catalogue, or a hub id (`owner/name`). */
  model: v.optional(v.pipe(v.string(), v.regex(/^[\w.-]+(\/[\w.-]+)?$/)), DEFAULT_CONFIG.model),
  device: v.optional(v.picklist(["auto", "webgpu", "wasm"]), DEFAULT_CONFIG.device),
  /** Of each page that asks: requests at once, and a minute. */
  rate_limit: v.optional(v.object({ burst: count, per_minute: count }), DEFAULT_CONFIG.rate_limit),
});

export type VaultConfig = Readonly<v.InferOutput<typeof Config>>;

/** Reads `minivault.config.json`, or the same keys from elsewhere. Throws `bad-config` with the key's name. */
export function parseConfig(json: unknown): VaultConfig {
  const { success, output, issues } = v.safeParse(Config, json, { abortEarly: true });
  if (!success) {
    const key = v.getDotPath(issues[0]);
    throw new VaultError(
      "bad-config",
      `minivault.config.json is wrong at ${key ?? "its root"}: ${issues[0].message}. Mend it and reload the page.`,
    );
  }
  return { ...output, hub: new URL(output.hub).href.replace(/\/+$/, "") };
}
