import { expect, test } from "vitest";
import { DEFAULT_CONFIG, parseConfig } from "../core/config.ts";
import { configFrom } from "./config-from-env.ts";

test("`configFrom()` has a variable for every key of the configuration", () => {
  const models = [{ name: "own", repo: "me/own", dtypes: { wasm: ["fp32"] } }];
  const config = configFrom({
    MINIVAULT_HUB: "http://localhost:9",
    MINIVAULT_MODEL: "a/b",
    MINIVAULT_DEVICE: "wasm",
    MINIVAULT_DTYPE: '{"webgpu": "fp32"}',
    MINIVAULT_MODELS: JSON.stringify(models),
    MINIVAULT_RESIDENT_MODELS: "2",
    MINIVAULT_IDLE_UNLOAD: "never",
    MINIVAULT_MAX_DOWNLOAD_BYTES: "1e9",
    MINIVAULT_HUB_IDS: "false",
    MINIVAULT_LOG_LEVEL: "metadata",
    MINIVAULT_LOG_REDACT: "email, card",
    MINIVAULT_LOG_REDACT_PATTERNS: '["AB-\\\\d+"]',
    MINIVAULT_LOG_KEEP_DAYS: "30",
    MINIVAULT_LOG_KEEP_RECORDS: "1000",
    MINIVAULT_LOG_KEEP_BYTES: "1e6",
    MINIVAULT_MAX_WAITING: "20",
    MINIVAULT_RATE_LIMIT: "60/120",
  });
  expect(config).toEqual({
    hub: "http://localhost:9",
    model: "a/b",
    device: "wasm",
    dtype: { webgpu: "fp32", wasm: null },
    models,
    resident_models: 2,
    idle_unload_s: null,
    limits: { max_download_bytes: 1e9, hub_ids: false },
    log: {
      level: "metadata",
      redact: ["email", "card"],
      redact_patterns: ["AB-\\d+"],
      keep_days: 30,
      keep_records: 1000,
      keep_bytes: 1e6,
    },
    max_waiting: 20,
    rate_limit: { burst: 60, per_minute: 120 },
  });
  expect(Object.keys(config)).toEqual(expect.arrayContaining(Object.keys(DEFAULT_CONFIG)));
});

test("`MINIVAULT_HUB` takes a list: the hub, then the hosts that it redirects to", () => {
  const hub = ["https://hub.net", "https://a.cdn.net", "https://*.b.net"];
  for (const list of [hub.join(","), hub.join(", "), ` ${hub.join(" ")} `]) {
    expect(configFrom({ MINIVAULT_HUB: list }).hub).toEqual(hub);
  }
  expect(configFrom({ MINIVAULT_HUB: " https://hub.net " }).hub).toBe("https://hub.net");
});

test("what is not set, or empty, is as it is without a file", () => {
  expect(configFrom({ MINIVAULT_MODEL: "" })).toEqual(parseConfig({}));
  expect(configFrom({ MINIVAULT_DTYPE: "q8", MINIVAULT_IDLE_UNLOAD: "60" })).toMatchObject({
    dtype: { wasm: "q8" },
    idle_unload_s: 60,
  });
});

test.each([
  [{ MINIVAULT_HUB: "nowhere" }, /^MINIVAULT_HUB is wrong: /],
  [{ MINIVAULT_MODEL: "a/b/c" }, /^MINIVAULT_MODEL is wrong: not the name/],
  [{ MINIVAULT_DEVICE: "abacus" }, /^MINIVAULT_DEVICE is wrong: .*Mend it and start again\.$/],
  [{ MINIVAULT_DTYPE: "q3" }, /^MINIVAULT_DTYPE is wrong: /],
  [{ MINIVAULT_DTYPE: '{"wasm": "q3"}' }, /^MINIVAULT_DTYPE is wrong: /],
  [{ MINIVAULT_HUB: "https://hub.net,cdn.net" }, /^MINIVAULT_HUB is wrong: /],
  [{ MINIVAULT_MODELS: "own" }, /^MINIVAULT_MODELS is wrong: /],
  [{ MINIVAULT_MODELS: '[{"name": "own", "repo": 1}]' }, /^MINIVAULT_MODELS is wrong at 0.repo: /],
  [{ MINIVAULT_RESIDENT_MODELS: "some" }, /^MINIVAULT_RESIDENT_MODELS is wrong: /],
  [{ MINIVAULT_IDLE_UNLOAD: "soon" }, /^MINIVAULT_IDLE_UNLOAD is wrong: /],
  [{ MINIVAULT_MAX_DOWNLOAD_BYTES: "1 GB" }, /^MINIVAULT_MAX_DOWNLOAD_BYTES is wrong: /],
  [{ MINIVAULT_HUB_IDS: "no" }, /^MINIVAULT_HUB_IDS is wrong: /],
  [{ MINIVAULT_HUB_IDS: "toString" }, /^MINIVAULT_HUB_IDS is wrong: /],
  [{ MINIVAULT_LOG_LEVEL: "all" }, /^MINIVAULT_LOG_LEVEL is wrong: /],
  [{ MINIVAULT_LOG_REDACT: "email,names" }, /^MINIVAULT_LOG_REDACT is wrong at 1: /],
  [{ MINIVAULT_LOG_REDACT_PATTERNS: '["("]' }, /^MINIVAULT_LOG_REDACT_PATTERNS is wrong at 0: not a regular/],
  [{ MINIVAULT_LOG_KEEP_DAYS: "some" }, /^MINIVAULT_LOG_KEEP_DAYS is wrong: /],
  [{ MINIVAULT_RATE_LIMIT: "many" }, /^MINIVAULT_RATE_LIMIT is wrong at burst: /],
])("`configFrom()` names the variable that is wrong in %j", (env, words) => {
  expect(() => configFrom(env)).toThrow(words);
});
