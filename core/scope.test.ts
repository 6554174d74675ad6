import { expect, test } from "vitest";
import { isApiRequest } from "./scope.ts";

const base = new URL("http://host/app/");
const ask = (path: string, changes: Partial<Request> = {}, wholeOrigin = true) =>
  isApiRequest(
    {
      url: `http://host${path}`,
      method: "GET",
      mode: "cors",
      destination: "",
      headers: new Headers({ accept: "*/*" }),
      ...changes,
    } as Request,
    base,
    wholeOrigin,
  );

test("routes are ours, by any method and also as a link", () => {
  expect(ask("/app/generate", { method: "POST" })).toBe(true);
  expect(ask("/app/generate/stream", { method: "PUT" })).toBe(true);
  expect(ask("/app/logs?limit=1", { mode: "navigate", destination: "document" })).toBe(true);
  expect(ask("/app/health", {}, false)).toBe(true);
});

test("so are those of every dialect, also where only exact routes are ours", () => {
  const routes = ["/v1/chat/completions", "/v1/models/some%2Fmodel", "/api/chat", "/metrics", "/stream"];
  for (const path of routes) expect(ask(`/app${path}`, { method: "POST" }, false)).toBe(true);
  for (const path of ["/v1/users", "/api/users", "/v1", "/api/chat/more", "/docs"]) {
    expect(ask(`/app${path}`, { method: "POST" }, false)).toBe(false);
  }
});

test("the root is the page's, but for those who want plain text", () => {
  const accepting = (accept: string) => ask("/app/", { headers: new Headers({ accept }) });
  expect(accepting("text/plain")).toBe(true);
  expect(accepting("*/*")).toBe(false);
  expect(accepting("text/html,application/xhtml+xml,text/plain;q=0.8")).toBe(false);
  expect(ask("/app/", { mode: "navigate", headers: new Headers({ accept: "text/plain" }) })).toBe(false);
});

test("other origins, and what is outside the base, are not", () => {
  expect(isApiRequest({ url: "http://other/app/generate", method: "POST" } as Request, base, true)).toBe(false);
  expect(ask("/generate", { method: "POST" })).toBe(false);
});

test("with the whole origin, unknown routes are ours, files and pages are not", () => {
  expect(ask("/app/nothing")).toBe(true);
  expect(ask("/app/nothing.html", { method: "POST" })).toBe(true);
  expect(ask("/app/nothing", {}, false)).toBe(false);
  expect(ask("/app/nothing", { method: "POST" }, false)).toBe(false);
  expect(ask("/app/")).toBe(false);
  expect(ask("/app/page", { mode: "navigate", destination: "document" })).toBe(false);
  expect(ask("/app/models/config.json")).toBe(false);
  expect(ask("/app/script", { destination: "script" })).toBe(false);
});
