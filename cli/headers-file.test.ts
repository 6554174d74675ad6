import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { DEFAULT_CONFIG } from "../core/config.ts";
import { cacheControlFor, headersFor } from "./site-server.ts";

const FILE = readFileSync(new URL("../public/_headers", import.meta.url), "utf8");

interface Rule {
  readonly path: string;
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>;
}

/** https://developers.cloudflare.com/pages/configuration/headers/ */
const rules: Rule[] = FILE.replace(/^#.*\n/gm, "")
  .split(/\n(?=\S)/)
  .map((block) => block.trim().split(/\n\s+/))
  .map(([path = "", ...lines]) => ({
    path,
    headers: lines.map((line) => {
      const [, name = "", value = ""] = /^(\S+): (.*)$/.exec(line) ?? [];
      return [name.toLowerCase(), value] as const;
    }),
  }));

/** Header by header: a name twice would be joined by the host. */
const sentFor = (asked: string) =>
  rules
    .filter(({ path }) => (path.endsWith("*") ? asked.startsWith(path.slice(0, -1)) : path === asked))
    .flatMap(({ headers }) => headers)
    .sort();

/** Pages, and scripts of workers: what a policy and a cache rule mean something for. */
const PATHS = ["/", "/index.html", "/docs", "/docs.html", "/sw.js", "/assets/worker-1.js"];

for (const path of PATHS) {
  test(`a static host sends with ${path} what our server sends`, () => {
    const ours = { ...headersFor(DEFAULT_CONFIG, path), "cache-control": cacheControlFor(path) };
    expect(sentFor(path)).toEqual(Object.entries(ours).sort());
  });
}

test("the rest is isolated as well, and the manifest is asked for again", () => {
  const { "content-security-policy": _, ...ours } = headersFor(DEFAULT_CONFIG);
  expect(sentFor("/icons/vault.svg")).toEqual(Object.entries(ours).sort());
  const manifest = { ...ours, "cache-control": cacheControlFor("/manifest.webmanifest") };
  expect(sentFor("/manifest.webmanifest")).toEqual(Object.entries(manifest).sort());
});
