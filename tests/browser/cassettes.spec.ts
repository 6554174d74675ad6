import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serveSite } from "../../cli/site-server.ts";
import { upgradeRecord } from "../../core/log/upgrade-record.ts";
import { asJsonl } from "../fixtures/any-recording.ts";
import { SCHEMA_3 } from "../fixtures/old-records.ts";
import {
  beginStream,
  DEAD_HUB,
  expect,
  generate,
  health,
  saidIn,
  streamEnd,
  streamHas,
  test,
  visit,
} from "./harness.ts";
import { DIST } from "./site-folders.ts";

const PARIS = { prompt: "Q: What is the capital of France?\nA:" };
const STORY = { prompt: "Once upon a time", max_new_tokens: 24, temperature: 0.8 };

test("what a page has recorded answers the tests of a page that has no model: nothing of one is asked for", async ({
  vault,
  browser,
}) => {
  const paris = await generate(vault, PARIS);
  await beginStream(vault, "told", STORY);
  const story = saidIn((await streamEnd(vault, "told")).text);
  const jsonl = await vault.evaluate(async () => (await fetch("/logs/export?format=jsonl")).text());
  const folder = mkdtempSync(join(tmpdir(), "minivault-cassettes-"));
  writeFileSync(join(folder, "mine.jsonl"), jsonl);

  const env = { MINIVAULT_HUB: DEAD_HUB, MINIVAULT_MODEL: "cassette:mine", MINIVAULT_CASSETTES: folder };
  const site = await serveSite({ folder: DIST, port: 0, env });
  const asked: string[] = [];
  site.httpServer.on("request", ({ url }) => asked.push(url ?? ""));
  // A service worker would keep the embedded model for a visit without a network.
  const context = await browser.newContext({ serviceWorkers: "block" });
  try {
    const page = await context.newPage();
    await visit(page, site.url);
    expect(await generate(page, PARIS)).toMatchObject({
      status: 200,
      response: paris.response,
      usage: paris.usage,
      model: "cassette:mine",
    });
    await beginStream(page, "again", STORY);
    expect(saidIn((await streamEnd(page, "again")).text)).toBe(story);
    const unknown = await generate(page, { prompt: "Q: What is the capital of Italy?\nA:" });
    expect(unknown).toMatchObject({ status: 404, code: "no-recording" });
    expect(unknown.detail).toContain('goes on with "France?\\nA:" after');
    expect(await health(page)).toMatchObject({ status: "ok", model: "cassette:mine", loaded: ["cassette:mine"] });
    await expect(page.locator("engine-status")).toContainText("cassette:mine");

    expect(asked).toContain("/cassettes/mine.jsonl");
    expect(asked.filter((url) => /\.(onnx|wasm)$|^\/models\/.+\//.test(url))).toEqual([]);
  } finally {
    await context.close();
    await site.close();
  }
});

test.describe("with a service worker", () => {
  const folder = mkdtempSync(join(tmpdir(), "minivault-cassettes-"));
  test.use({ env: { MINIVAULT_HUB: DEAD_HUB, MINIVAULT_MODEL: "cassette:slow", MINIVAULT_CASSETTES: folder } });

  test("a stream goes on with the same recording in the next tab's engine", async ({ context, page, site }) => {
    const words = Array.from({ length: 40 }, (_, place) => ` word${place}`);
    const told = {
      ...upgradeRecord(SCHEMA_3),
      prompt: "Slowly",
      messages: null,
      response: words.join(""),
      tokens: words.map((word, place) => [word.length, 100 * place]),
      usage: { prompt_tokens: 1, completion_tokens: 40, total_tokens: 41 },
    };
    writeFileSync(join(folder, "slow.jsonl"), asJsonl([told, { ...told, response: "Another one." }]));
    await visit(page, site.url);
    const other = await context.newPage();
    await visit(other, site.url);
    await beginStream(other, "told", { prompt: "Slowly" });
    await streamHas(other, "told", 3);
    await page.close();
    const { text, end } = await streamEnd(other, "told");
    expect([saidIn(text), end]).toEqual([words.join(""), "closed"]);
  });
});
