import { expect, test } from "vitest";
import { parseConfig } from "../core/config.ts";
import { EMBEDDED, findEntry } from "./catalogue.ts";
import { fromSite } from "./site-index.ts";

const files = [{ path: "config.json", sizeBytes: 2, hash: null }];

test("`fromSite()` takes a model from the site that has it, and nothing from one that has not", () => {
  const entry = findEntry("distilgpt2", parseConfig({}))!;
  expect(fromSite(entry, [{ repo: "Xenova/distilgpt2", files }])).toMatchObject({ source: "site", files });
  expect(fromSite(entry, [{ repo: "distilgpt2", files }])).toBeNull();
  expect(fromSite(EMBEDDED, [{ repo: "minivault-demo", files }])).toMatchObject({ source: "embedded", files });
});
