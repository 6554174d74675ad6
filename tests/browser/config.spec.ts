import type { ServerResponse } from "node:http";
import type { Page } from "playwright/test";
import { test as base, closedLogs, expect, generate, health, visit } from "./harness.ts";
import { startProxy } from "./site-proxy.ts";

type Answer = (response: ServerResponse) => void;

interface Host {
  readonly url: string;
  /** How `minivault.config.json` is answered. */
  answer: Answer;
  close(): Promise<void>;
}

const json =
  (config: object): Answer =>
  (response) =>
    response.setHeader("content-type", "application/json").end(JSON.stringify(config));
const page =
  (status: number): Answer =>
  (response) =>
    response.writeHead(status, { "content-type": "text/html" }).end("<!doctype html><title>MiniVault</title>");
const never: Answer = () => {};
const METADATA = { model: "minivault-demo", log: { level: "metadata" } };

const test = base.extend<{ host: Host }>({
  host: async ({ site }, use) => {
    const host = { url: "", answer: never, close: async () => {} };
    const proxy = await startProxy(site.url, {
      answers: { "/minivault.config.json": (response) => host.answer(response) },
    });
    Object.assign(host, { url: `http://localhost:${proxy.port}/`, close: proxy.close });
    await use(host);
    await proxy.close();
  },
});

const PROMPT = "Q: What is the capital of France?\nA:";

/** A visit whose requests the service worker answers, and what is logged of one. */
async function logOfVisit(tab: Page, url: string) {
  await visit(tab, url);
  await expect.poll(async () => (await health(tab)).host).toBe("service-worker");
  expect(await generate(tab, { prompt: PROMPT, model: "minivault-demo" })).toMatchObject({ response: " Paris." });
  const [newest] = (await closedLogs(tab)).toSorted((a, b) => a.timestamp.localeCompare(b.timestamp)).slice(-1);
  return newest && { level: newest.level, prompt: newest.prompt };
}

const IN_FULL = { level: "full", prompt: PROMPT };
const NO_TEXTS = { level: "metadata", prompt: null };

for (const [how, answer] of [
  ["404", page(404)],
  ["403", page(403)],
  ["410", page(410)],
  ["its page and status 200", page(200)],
  ["status 500", page(500)],
  ["nothing at all", never],
  ["a connection that breaks", (response: ServerResponse) => response.destroy()],
] satisfies [string, Answer][]) {
  test(`a host that answers ${how} where the configuration would be: the log has all, and so it has offline`, async ({
    host,
    page,
  }) => {
    host.answer = answer;
    expect(await logOfVisit(page, host.url)).toEqual(IN_FULL);
    await host.close();
    expect(await logOfVisit(page, host.url)).toEqual(IN_FULL);
  });
}

test("what a site wants less logged stays so while its file is out of reach, and until it is removed", async ({
  host,
  page: tab,
}) => {
  host.answer = json(METADATA);
  expect(await logOfVisit(tab, host.url)).toEqual(NO_TEXTS);
  for (const answer of [page(500), never]) {
    host.answer = answer;
    expect(await logOfVisit(tab, host.url)).toEqual(NO_TEXTS);
  }
  host.answer = page(404);
  await visit(tab, host.url);
  await expect.poll(() => logOfVisit(tab, host.url)).toEqual(IN_FULL);
  host.answer = json(METADATA);
  await visit(tab, host.url);
  await expect.poll(() => logOfVisit(tab, host.url)).toEqual(NO_TEXTS);
  await host.close();
  expect(await logOfVisit(tab, host.url)).toEqual(NO_TEXTS);
});

test("a configuration that comes too late for a first visit holds at the next one", async ({ host, page: tab }) => {
  const late: ServerResponse[] = [];
  host.answer = (response) => late.push(response);
  expect(await logOfVisit(tab, host.url)).toEqual(IN_FULL);
  for (const response of late) json(METADATA)(response);
  host.answer = never;
  await expect.poll(() => logOfVisit(tab, host.url)).toEqual(NO_TEXTS);
});

for (const serviceWorkers of ["allow", "block"] as const) {
  const where = serviceWorkers === "allow" ? "the service worker" : "a page that answers itself";
  test(`a wrong configuration is refused in ${where}, logs no texts, and is mended by a reload`, async ({
    host,
    browser,
  }) => {
    const context = await browser.newContext({ serviceWorkers });
    const tab = await context.newPage();
    const refused = async () => {
      const { status, code } = await generate(tab, { prompt: PROMPT, model: "minivault-demo" });
      return { status, code };
    };
    host.answer = json(METADATA);
    await visit(tab, host.url);
    for (const answer of [json({ log: { level: "some" } }), (response: ServerResponse) => response.end("{")]) {
      host.answer = answer;
      await tab.goto(host.url);
      await expect.poll(refused).toEqual({ status: 500, code: "bad-config" });
      await expect(tab.getByText(/minivault.config.json is (wrong at log.level|not JSON)/)).toBeVisible();
    }
    const records = (await closedLogs(tab)).filter(({ error }) => error?.code === "bad-config");
    expect(records.length).toBeGreaterThan(1);
    expect(JSON.stringify(records)).not.toContain("France");
    host.answer = json({ model: "minivault-demo" });
    await visit(tab, host.url);
    await expect.poll(refused).toEqual({ status: 200, code: undefined });
    await context.close();
  });
}
