import { expect, test } from "vitest";
import { configFrom, headersFor } from "./site-server.ts";

test("`configFrom()` reads the environment, and refuses what is wrong in it", () => {
  const env = { MINIVAULT_HUB: "http://localhost:9", MINIVAULT_MODEL: "a/b", MINIVAULT_DEVICE: "wasm" };
  expect(configFrom({ ...env, MINIVAULT_RATE_LIMIT: "60/120" })).toEqual({
    hub: "http://localhost:9",
    model: "a/b",
    device: "wasm",
    rate_limit: { burst: 60, per_minute: 120 },
  });
  expect(() => configFrom({ MINIVAULT_RATE_LIMIT: "many" })).toThrow(/rate_limit/);
  expect(() => configFrom({ MINIVAULT_DEVICE: "abacus" })).toThrow(/device/);
});

test("`headersFor()` lets the page reach its own origin and the hub, nobody else", () => {
  const policy = headersFor(configFrom({ MINIVAULT_HUB: "http://localhost:9" }))["content-security-policy"];
  expect(policy).toContain("connect-src 'self' http://localhost:9;");
  expect(policy).toMatch(/^default-src 'self';/);
});
