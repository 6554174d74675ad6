import { expect, test } from "vitest";
import { shellCacheName, staticRoutes } from "./static-routes.ts";

const ENTRIES = [
  { url: "index.html", revision: "aaaaaaaaaaaaaaaa" },
  { url: "docs.html", revision: "bbbbbbbbbbbbbbbb" },
  { url: "icons/vault.svg", revision: "c" },
  { url: "assets/index-1.js", revision: null },
  { url: "assets/lib-2.css", revision: null },
  { url: "assets/ort-3.wasm.gz", revision: null },
];
const routes = staticRoutes(ENTRIES, { scope: "https://host/a(b)/", precache: "kept" });

test("pages and scripts that are kept have a rule, by their exact names, and nothing else has one", () => {
  const [pages, scripts] = routes.map(({ condition }) => condition.or.map(({ urlPattern }) => urlPattern.pathname));
  const base = "/a\\(b\\)/";
  expect(pages).toEqual([base, `${base}index.html`, `${base}docs`, `${base}docs.html`]);
  expect(scripts).toEqual([`${base}assets/index-1.js`, `${base}assets/lib-2.css`]);
});

test("only navigations get a page: the root is also the API's", () => {
  expect(routes[0]?.condition.or.map(({ requestMode }) => requestMode)).toEqual(Array(4).fill("navigate"));
});

test("another page, another cache: versions never mix", () => {
  const changed = ENTRIES.map((entry) => (entry.url === "docs.html" ? { ...entry, revision: "other" } : entry));
  expect(shellCacheName(changed)).not.toBe(shellCacheName(ENTRIES));
});
