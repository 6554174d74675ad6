import { expect, test } from "vitest";
import { DEFAULT_CONFIG, hubsOf, parseConfig } from "./config.ts";

test("`parseConfig()` fills in what is not given and drops a slash at the end", () => {
  expect(parseConfig({})).toEqual({
    hub: "https://huggingface.co",
    model: "distilgpt2",
    device: "auto",
    dtype: { webgpu: null, wasm: null },
    models: [],
    resident_models: 1,
    idle_unload_s: 1800,
    limits: { max_download_bytes: null, hub_ids: true },
    log: { level: "full", redact: [], redact_patterns: [], keep_days: null, keep_records: null, keep_bytes: null },
    max_waiting: 8,
    rate_limit: { burst: 600, per_minute: 1200 },
  });
  expect(DEFAULT_CONFIG).toEqual(parseConfig({}));
  expect(parseConfig({ hub: "http://localhost:9/", model: "a/b-c.d" })).toMatchObject({
    hub: "http://localhost:9",
    model: "a/b-c.d",
  });
});

test("`parseConfig()` takes every key, and reads what it gave as the same again", () => {
  const config = parseConfig({
    model: "own:tiny",
    dtype: { webgpu: "q4f16", wasm: "fp32" },
    models: [
      {
        name: "own:tiny",
        repo: "me/tiny-ONNX",
        revision: "refs/pr/1",
        dtypes: { wasm: ["q8"] },
        parameters: "5M",
        licence: "MIT",
        context_tokens: 512,
        chat_stop: ["<end>"],
      },
      { name: "a-folder-of-the-site" },
    ],
    resident_models: 2,
    idle_unload_s: null,
    limits: { max_download_bytes: 1e9, hub_ids: false },
  });
  expect(config).toMatchObject({ resident_models: 2, idle_unload_s: null, limits: { hub_ids: false } });
  expect(parseConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
});

test("one dtype for both is for the device that computes well with it", () => {
  expect(parseConfig({ dtype: "q8" }).dtype).toEqual({ webgpu: null, wasm: "q8" });
  expect(parseConfig({ dtype: "q4f16" }).dtype).toEqual({ webgpu: "q4f16", wasm: null });
  expect(parseConfig({ dtype: "fp32" }).dtype).toEqual({ webgpu: "fp32", wasm: "fp32" });
});

test("any dtype can be chosen for any device, also for each model", () => {
  const dtypes = ["fp32", "fp16", "q8", "int8", "uint8", "q4", "q4f16", "bnb4"];
  for (const dtype of dtypes) {
    expect(parseConfig({ dtype: { webgpu: dtype, wasm: dtype } }).dtype).toEqual({ webgpu: dtype, wasm: dtype });
    expect(parseConfig({ device: "wasm", dtype }).dtype.wasm).toBe(dtype);
    expect(parseConfig({ device: "webgpu", dtype }).dtype.webgpu).toBe(dtype);
  }
  const models = [{ name: "a", dtypes: { webgpu: dtypes, wasm: dtypes } }];
  expect(parseConfig({ models }).models).toEqual(models);
});

test("a hub may be followed by the hosts that it redirects to", () => {
  const config = parseConfig({ hub: ["https://hub.net/", "https://*.cdn.net/", "http://localhost:9"] });
  expect(config.hub).toEqual(["https://hub.net", "https://*.cdn.net", "http://localhost:9"]);
  expect(parseConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
  expect(hubsOf(config)[0]).toBe("https://hub.net");
  expect(hubsOf(parseConfig({}))).toEqual(["https://huggingface.co"]);
});

test.each([
  [{ hub: "nowhere" }, /at hub/],
  [{ hub: "ftp://x" }, /at hub/],
  [{ hub: [] }, /at hub/],
  [{ hub: "https://*.hub.net" }, /at hub/],
  [{ hub: ["https://hub.net", "cdn.net"] }, /at hub/],
  [{ hub: ["https://hub.net", "https://cdn.net; script-src *"] }, /at hub/],
  [{ model: "../../etc/passwd" }, /at model/],
  [{ model: ".." }, /at model/],
  [{ model: "a/b/c" }, /at model/],
  [{ device: "abacus" }, /at device/],
  [{ dtype: "q3" }, /at dtype: neither fp32/],
  [{ dtype: { wasm: "q3" } }, /at dtype/],
  [{ models: [{ repo: "a/b" }] }, /at models.0.name/],
  [{ models: [{ name: "a", repo: "../b" }] }, /at models.0.repo: not a hub id/],
  [{ models: [{ name: "a", revision: "../main" }] }, /at models.0.revision/],
  [{ models: [{ name: "a", dtypes: { wasm: ["q3"] } }] }, /at models.0.dtypes.wasm.0/],
  [{ models: [{ name: "a" }, { name: "a" }] }, /at models: two have the same name/],
  [{ resident_models: 0 }, /at resident_models/],
  [{ idle_unload_s: -1 }, /at idle_unload_s/],
  [{ limits: { max_download_bytes: "1 GB" } }, /at limits.max_download_bytes/],
  [{ limits: { hub_ids: "no" } }, /at limits.hub_ids/],
  [{ log: { redact: ["names"] } }, /at log.redact.0/],
  [{ log: { redact_patterns: ["("] } }, /at log.redact_patterns.0: not a regular expression/],
  [{ log: { redact_patterns: ["a*"] } }, /at log.redact_patterns.0: .*matches an empty text/],
  [{ log: { keep_days: 0 } }, /at log.keep_days/],
  [{ log: { keep_records: 1.5 } }, /at log.keep_records/],
  [{ rate_limit: { burst: 0, per_minute: 1 } }, /at rate_limit.burst/],
  [{ rate_limit: { burst: 1 } }, /at rate_limit.per_minute/],
  [null, /at its root/],
])("`parseConfig()` names what is wrong in %j", (json, words) => {
  expect(() => parseConfig(json)).toThrow(words);
});
