import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright/test";
import { expect, generate, test, visit } from "./harness.ts";

const SCRIPT = fileURLToPath(new URL("../../docs/verify-log.mjs", import.meta.url));
const PASSPHRASE = "correct horse battery";

const textAt = (page: Page, path: string, init: RequestInit = {}) =>
  page.evaluate(async ({ path, init }) => (await fetch(path, init)).text(), { path, init });
const vaultTo = (page: Page, path: string) =>
  textAt(page, `/logs/vault${path}`, { method: "POST", body: JSON.stringify({ passphrase: PASSPHRASE }) });
const recordsAt = async (page: Page, path: string) =>
  (await textAt(page, path))
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));

test("thirty exchanges are found, locked, unlocked, exported, verified by another program, and replayed in a clean profile", async ({
  vault,
  site,
  browser,
}, info) => {
  const countries = ["France", "Italy", "Spain", "Germany", "Portugal"];
  for (let turn = 0; turn < 30; turn++) {
    const prompt = `Question: What is the capital of ${countries[turn % countries.length]}?\nAnswer:`;
    await generate(vault, { prompt, max_new_tokens: 4, temperature: 1, seed: turn });
  }
  expect(await recordsAt(vault, "/logs?q=capital+spain")).toHaveLength(6);

  await vaultTo(vault, "");
  await vaultTo(vault, "/lock");
  await vault.reload();
  expect(JSON.parse(await textAt(vault, "/logs"))).toMatchObject({ code: "vault-locked" });
  await vault.getByLabel("The log is locked").fill(PASSPHRASE);
  await vault.getByRole("button", { name: "Unlock" }).click();
  await expect(vault.getByRole("button", { name: "Lock", exact: true })).toBeVisible();
  expect(await recordsAt(vault, "/logs?q=capital+spain")).toHaveLength(6);

  const day = new Date().toISOString().slice(0, 10);
  const log = await textAt(vault, `/logs/export?from=${day}`);
  const [logPath, verifyPath] = [info.outputPath("log.jsonl"), info.outputPath("verify.json")];
  writeFileSync(logPath, log);
  writeFileSync(verifyPath, await textAt(vault, "/logs/verify"));
  const { stdout, status } = spawnSync(process.execPath, [SCRIPT, logPath, verifyPath], { encoding: "utf8" });
  expect([stdout.trim(), status]).toEqual(["30 records: none was changed, none is missing.", 0]);

  const clean = await (await browser.newContext()).newPage();
  await visit(clean, site.url);
  expect(JSON.parse(await textAt(clean, "/logs/import", { method: "POST", body: log }))).toEqual({
    imported: 30,
    skipped: 0,
  });
  expect(JSON.parse(await textAt(clean, "/logs/verify"))).toMatchObject({ whole: true, records: 30 });
  const [record] = await recordsAt(clean, "/logs?q=portugal&limit=1");
  const replayed = JSON.parse(await textAt(clean, `/logs/${record.id}/replay`, { method: "POST" }));
  expect(replayed).toMatchObject({ same: true, response: record.response });
  await clean.context().close();
});
