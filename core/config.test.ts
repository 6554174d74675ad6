import { expect, test } from "vitest";
import { parseConfig } from "./config.ts";

test("`parseConfig()` fills in what is not given and drops a slash at the end", () => {
  expect(parseConfig({})).toEqual({
    hub: "https://huggingface.co",
    model: "distilgpt2",
    device: "auto",
    rate_limit: { burst: 600, per_minute: 1200 },
  });
  expect(parseConfig({ hub: "http://localhost:9/", model: "a/b-c.d" })).toMatchObject({
    hub: "http://localhost:9",
    model: "a/b-c.d",
  });
});

test.each([
  [{ hub: "nowhere" }, /at hub/],
  [{ hub: "ftp://x" }, /at hub/],
  [{ model: "../../etc/passwd" }, /at model/],
  [{ model: "a/b/c" }, /at model/],
  [{ device: "abacus" }, /at device/],
  [{ rate_limit: { burst: 0, per_minute: 1 } }, /at rate_limit.burst/],
  [{ rate_limit: { burst: 1 } }, /at rate_limit.per_minute/],
  [null, /at its root/],
])("`parseConfig()` names what is wrong in %j", (json, words) => {
  expect(() => parseConfig(json)).toThrow(words);
});
