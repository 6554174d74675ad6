import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type * as Axe from "axe-core";
import { fakeAnswer } from "../fixtures/fake-text.ts";
import { closedLogs, expect, stopServiceWorker, test } from "./harness.ts";

test.describe("with an engine that takes its time", () => {
  test.use({ fakeEngine: true });

  test("the keyboard is enough: Ctrl+Enter generates, Escape stops, the log says so", async ({ vault }) => {
    await vault.getByLabel("Prompt").fill("slow:30");
    await vault.keyboard.press("Control+Enter");
    const answer = vault.getByRole("region", { name: "Answer" });
    await expect(answer).toContainText("Zwölf");
    await expect(vault.getByRole("button", { name: "Stop" })).toBeVisible();
    await vault.keyboard.press("Escape");
    await expect(answer).toContainText("stopped by you");
    await expect(vault.getByRole("button", { name: "Generate" })).toBeEnabled();
    const [record] = await closedLogs(vault);
    expect(record?.finish_reason).toBe("cancelled");
    await expect(vault.getByRole("list")).toContainText("cancelled");
  });

  test("the stop button stops, and another answer can be asked for at once", async ({ vault }) => {
    await vault.getByLabel("Prompt").fill("slow:30");
    await vault.getByRole("button", { name: "Generate" }).click();
    await vault.getByRole("button", { name: "Stop" }).click();
    await vault.getByLabel("Prompt").fill("slow:1");
    await vault.getByRole("button", { name: "Generate" }).click();
    await expect(vault.getByRole("region", { name: "Answer" })).toContainText("128 tokens");
    const ends = (await closedLogs(vault)).map(({ prompt, finish_reason }) => [prompt, finish_reason]);
    expect(Object.fromEntries(ends)).toEqual({ "slow:30": "cancelled", "slow:1": "length" });
  });

  test("an answer goes on where the browser stopped the service worker in its middle", async ({ vault, context }) => {
    await vault.getByLabel("Prompt").fill("slow:30");
    await vault.getByRole("button", { name: "Generate" }).click();
    const answer = vault.getByRole("region", { name: "Answer" });
    await expect(answer).toContainText("Zwölf");
    await stopServiceWorker(context, vault);
    await expect(answer).toContainText("128 tokens");
    expect(await answer.locator("#answer").textContent()).toBe(fakeAnswer("slow:30", 128));
    const [record, ...others] = await closedLogs(vault);
    expect(others).toEqual([]);
    expect(record?.finish_reason).toBe("length");
  });

  test("an answer is there again after a reload in its middle, and goes on", async ({ vault }) => {
    await vault.getByLabel("Prompt").fill("slow:30");
    await vault.getByRole("button", { name: "Generate" }).click();
    const answer = vault.getByRole("region", { name: "Answer" });
    await expect(answer).toContainText("Zwölf");
    await vault.reload();
    await expect(answer).toContainText("Zwölf");
    await expect(answer).toContainText("128 tokens");
    expect(await answer.locator("#answer").textContent()).toBe(fakeAnswer("slow:30", 128));
    const [record, ...others] = await closedLogs(vault);
    expect(others).toEqual([]);
    expect(record?.response).toBe(fakeAnswer("slow:30", 128));
    await vault.reload();
    await expect(vault.getByRole("button", { name: "Generate" })).toBeEnabled();
    await expect(answer).toBeHidden(); // it was whole
  });

  test("a log that is deleted under way begins anew", async ({ vault }) => {
    await vault.getByLabel("Prompt").fill("slow:1");
    await vault.evaluate(() => indexedDB.deleteDatabase("minivault"));
    await vault.getByRole("button", { name: "Generate" }).click();
    await expect(vault.getByRole("region", { name: "Answer" })).toContainText("128 tokens");
    await expect(vault.getByRole("list")).toContainText("Zwölf");
  });

  test("what another program of the origin asks appears in the log", async ({ vault }) => {
    await vault.evaluate(() =>
      fetch("/generate", { method: "POST", body: JSON.stringify({ prompt: "from a script" }) }),
    );
    await expect(vault.getByRole("list")).toContainText("from a script");
  });
});

test("an error is shown as a sentence, and the options are sent", async ({ vault }) => {
  await vault.getByText("Options").click();
  await vault.getByLabel("Most new tokens").fill("2");
  await vault.getByLabel("Temperature").fill("0.5");
  await vault.getByRole("button", { name: "Generate" }).click();
  await expect(vault.getByRole("region", { name: "Answer" })).toContainText("cut at the token limit");
  const [record] = await closedLogs(vault);
  expect(record?.options).toMatchObject({ temperature: 0.5, max_new_tokens: 2 });
  await vault.getByLabel("Prompt").fill("word ".repeat(400));
  await vault.getByRole("button", { name: "Generate" }).click();
  await expect(vault.getByRole("alert")).toContainText("Shorten the prompt.");
});

test("hostile text stays text", async ({ vault }) => {
  const hostile = '<img src=x onerror="document.title = \'owned\'"><script>document.title = "owned"</script>';
  await vault.getByLabel("Prompt").fill(hostile);
  await vault.getByRole("button", { name: "Generate" }).click();
  await expect(vault.getByRole("region", { name: "Answer" })).toContainText("<img src=x");
  await expect(vault.getByRole("list")).toContainText("<script>");
  expect(await vault.locator("img[src=x], vault-app script").count()).toBe(0);
  expect(await vault.title()).toBe("MiniVault");
});

declare const axe: typeof Axe;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(`on a phone, ${colorScheme}`, () => {
    test.use({ colorScheme, viewport: { width: 390, height: 844 } });

    test("nothing is cut off, and nothing stands in the way of assistive technology", async ({ vault }) => {
      await vault.getByText("Options").click();
      await vault.getByRole("button", { name: "Generate" }).click();
      await expect(vault.getByText("ended by itself")).toBeVisible();
      await expect(vault.getByRole("list")).toContainText("Paris");
      expect(await vault.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
      await vault.evaluate(AXE);
      const { violations } = await vault.evaluate(() => axe.run());
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target)}`)).toEqual([]);
    });
  });
}
