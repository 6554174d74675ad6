import { expect, test } from "vitest";
import { configFrom } from "./config-from-env.ts";
import { headersFor } from "./site-server.ts";

test("`headersFor()` lets the page reach its own origin and the hub, nobody else", () => {
  const policy = headersFor(configFrom({ MINIVAULT_HUB: "http://localhost:9" }))["content-security-policy"];
  expect(policy).toContain("connect-src 'self' http://localhost:9;");
  expect(policy).toMatch(/^default-src 'self';/);
});

test("`headersFor()` allows the hub, whatever its path, and the hosts that it redirects to", () => {
  const sources = (MINIVAULT_HUB: string) =>
    /connect-src ([^;]*);/.exec(headersFor(configFrom({ MINIVAULT_HUB }))["content-security-policy"] ?? "")?.[1];
  expect(sources("https://hub.net/mirror,https://*.cdn.net,http://localhost:9")).toBe(
    "'self' https://hub.net https://*.cdn.net http://localhost:9",
  );
  expect(sources("https://huggingface.co,https://cdn.net")).toBe(
    "'self' https://huggingface.co https://*.huggingface.co https://*.hf.co https://cdn.net",
  );
  expect(sources("https://hub.net/a;script-src,https://cdn.net/;x")).toBe("'self' https://hub.net https://cdn.net");
});
