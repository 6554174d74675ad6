import * as v from "valibot";
import { VaultError } from "./errors.ts";
import type { VaultConfig } from "./protocol.ts";

export const DEFAULT_CONFIG: VaultConfig = { hub: "https://huggingface.co", model: "distilgpt2", device: "auto" };

const Config = v.object({
  hub: v.optional(v.pipe(v.string(), v.url(), v.regex(/^https?:/)), DEFAULT_CONFIG.hub),
  model: v.optional(v.pipe(v.string(), v.regex(/^[\w.-]+(\/[\w.-]+)?$/)), DEFAULT_CONFIG.model),
  device: v.optional(v.picklist(["auto", "webgpu", "wasm"]), DEFAULT_CONFIG.device),
});

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
