import { expect, test } from "vitest";
import { configFrom } from "./config-from-env.ts";
import { headersFor } from "./site-server.ts";

test("`headersFor()` lets the page reach its own origin and the hub, nobody else", () => {
  const policy = headersFor(configFrom({ MINIVAULT_HUB: "http://localhost:9" }))["content-security-policy"];
  expect(policy).toContain("connect-src 'self' http://localhost:9;");
  expect(policy).toMatch(/^default-src 'self';/);
});
