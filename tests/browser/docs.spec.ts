import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type * as Axe from "axe-core";
import type { BrowserContext, Page } from "playwright/test";
import { openApiDocument } from "../../core/openapi.ts";
import { DIALECTS } from "../../core/routing.ts";
import { expect, test } from "./harness.ts";

/** Opens /docs and waits until the description is shown. Console errors, among them violations of the policy, are kept. */
async function openDocs(context: BrowserContext, url: string): Promise<{ docs: Page; errors: string[] }> {
  const docs = await context.newPage();
  const errors: string[] = [];
  docs.on("pageerror", (error) => errors.push(error.message));
  docs.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  await docs.goto(`${url}docs`);
  await expect(docs.locator("#api-title")).toContainText("MiniVault");
  return { docs, errors };
}

const operation = (docs: Page, path: string) => docs.locator(".nav-bar-path", { hasText: path }).first();

test("a first visit goes to the docs: they describe a route that is opened, and nobody else is asked", async ({
  context,
  site,
  foreign,
}) => {
  const { docs, errors } = await openDocs(context, site.url);
  await expect(docs).toHaveTitle("MiniVault API");
  await operation(docs, "/v1/chat/completions").click();
  await expect(docs.locator("#post-\\/v1\\/chat\\/completions")).toContainText(/POST\s+\/v1\/chat\/completions/i);
  expect(errors).toEqual([]);
  expect(foreign).toEqual([]);
});

test("openapi.json is a file of the site, and says what this version answers", async ({ vault }) => {
  const document = await vault.evaluate(async () => (await fetch("openapi.json")).json());
  expect(document).toEqual(JSON.parse(JSON.stringify(openApiDocument(DIALECTS, "./"))));
});

test("an operation is tried out in place, while the app is open elsewhere", async ({ vault, context, site }) => {
  await expect(vault.getByText("minivault-demo · CPU")).toBeVisible();
  const { docs, errors } = await openDocs(context, site.url);
  await operation(docs, "/health").click();
  await docs.getByRole("button", { name: "Execute" }).click();
  await expect(docs.getByText("Response Status: 200")).toBeVisible();
  await expect(docs.getByRole("region", { name: "Response" })).toContainText("minivault-demo");
  expect(errors).toEqual([]);
});

test("the viewer is fetched only by who opens the docs, and is there offline from then on", async ({
  vault,
  context,
  site,
  served,
}) => {
  const isViewer = (request: string) => request.includes("/assets/openapi-explorer-");
  await expect(vault.getByText("minivault-demo · CPU")).toBeVisible();
  expect(served.filter(isViewer)).toEqual([]);
  const { docs } = await openDocs(context, site.url);
  expect(served.filter(isViewer)).toHaveLength(1);
  await site.close();
  await docs.reload();
  await expect(operation(docs, "/v1/chat/completions")).toBeVisible();
});

test("offline before that, the page says what is missing", async ({ vault, site }) => {
  await site.close();
  await vault.goto(`${site.url}docs`);
  await expect(vault.locator("#docs").getByRole("status")).toHaveText(/not stored yet/);
});

test("only the docs may have inline styles, and no page inline scripts", async ({ request, site }) => {
  const policy = async (path: string) => (await request.get(site.url + path)).headers()["content-security-policy"];
  for (const path of ["", "index.html", "sw.js", "icons/vault.svg"]) {
    expect(await policy(path)).not.toContain("unsafe-inline");
  }
  expect(await policy("docs")).toContain("style-src 'self' 'unsafe-inline'");
  expect(await policy("docs")).toContain("script-src 'self' 'wasm-unsafe-eval';");
});

declare const axe: typeof Axe;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [1280, 390]) {
    test.describe(`${width} pixels wide, ${colorScheme}`, () => {
      test.use({ colorScheme, viewport: { width, height: 844 } });

      test("nothing is cut off, and nothing stands in the way of assistive technology", async ({ context, site }) => {
        const { docs } = await openDocs(context, `${site.url}`);
        await docs.evaluate(() => {
          location.hash = "?route=post-/v1/chat/completions";
        });
        await expect(docs.getByRole("button", { name: "Execute" })).toBeVisible();
        expect(await docs.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
        await docs.evaluate(AXE);
        // The viewer's own headings skip a level on a phone.
        const { violations } = await docs.evaluate(() => axe.run({ rules: { "heading-order": { enabled: false } } }));
        expect(
          violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ target }) => target)}`),
        ).toEqual([]);
      });
    });
  }
}
