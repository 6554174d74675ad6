import { expect, test } from "vitest";
import { isApiRequest } from "./scope.ts";

const base = new URL("http://host/app/");
const ask = (path: string, changes: Partial<Request> = {}, wholeOrigin = true) =>
  isApiRequest(
    { url: `http://host${path}`, method: "GET", mode: "cors", destination: "", ...changes } as Request,
    base,
    wholeOrigin,
  );

test("routes are ours, by any method and also as a link", () => {
  expect(ask("/app/generate", { method: "POST" })).toBe(true);
  expect(ask("/app/generate/stream", { method: "PUT" })).toBe(true);
  expect(ask("/app/logs?limit=1", { mode: "navigate", destination: "document" })).toBe(true);
  expect(ask("/app/health", {}, false)).toBe(true);
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
