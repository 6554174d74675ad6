import { expect, test } from "vitest";
import { isolated } from "./isolation.ts";

test("headers of isolation are added where the host sent none, and the rest stays", async () => {
  const answer = isolated(new Response("body", { status: 203, headers: { "content-type": "text/css" } }));
  expect(answer.status).toBe(203);
  expect(Object.fromEntries(answer.headers)).toEqual({
    "content-type": "text/css",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
  });
  expect(await answer.text()).toBe("body");
});

test("what the host sent stands", () => {
  const headers = { "cross-origin-resource-policy": "cross-origin", "cross-origin-embedder-policy": "credentialless" };
  const answer = isolated(new Response("", { headers }));
  expect(answer.headers.get("cross-origin-resource-policy")).toBe("cross-origin");
  expect(answer.headers.get("cross-origin-embedder-policy")).toBe("credentialless");
  expect(answer.headers.get("cross-origin-opener-policy")).toBe("same-origin");
});
