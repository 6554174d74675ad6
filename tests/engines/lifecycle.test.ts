import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Site } from "../../cli/site-server.ts";
import { ENGINE_LOCK } from "../../core/protocol.ts";
import type { EngineBrowser, Tab } from "./engine-driver.ts";
import { ENGINES } from "./engines.ts";
import { abortStream, beginGenerating, beginStream, readToEnd, readTokens, tokensOf } from "./stream.ts";
import { answering, closedLogs, generate, startSite, unhandledIn, visit } from "./vault.ts";

const PARIS = { prompt: "Q: What is the capital of France?\nA:" };

/** Any byte may follow any other, as the seed has it; but 0 would end the text. */
const SEEDED = { max_new_tokens: 60, temperature: 25, seed: 7, logit_bias: { 0: -100 } };
/** As many bytes in the prompt, so the same text at another pace. */
const SLOW = { ...SEEDED, prompt: "slow:50" };
const FAST = { ...SEEDED, prompt: "slow:00" };

describe.each(ENGINES)("in $name", ({ launch }) => {
  let browser: EngineBrowser;
  let tabs: Tab[] = [];
  let site: Site | undefined;

  beforeAll(async () => {
    browser = await launch();
  });
  afterEach(async () => {
    const unhandled = await Promise.all(tabs.map(unhandledIn));
    for (const tab of tabs) await tab.close();
    tabs = [];
    await site?.close();
    expect(unhandled.flat()).toEqual([]);
  });
  afterAll(() => browser.close());

  const openSite = async (options?: { fakeEngine: boolean }) => {
    site = await startSite(options);
    return site;
  };
  const open = async (site: Site): Promise<Tab> => {
    const tab = await visit(browser, site);
    tabs.push(tab);
    return tab;
  };
  const close = async (tab: Tab) => {
    tabs = tabs.filter((other) => other !== tab);
    await tab.close();
  };
  /** The tokens when nothing happens on the way. */
  const undisturbed = async (tab: Tab) => {
    await beginGenerating(tab, "undisturbed", FAST);
    const { text, outcome } = await readToEnd(tab, "undisturbed");
    expect(outcome).toBe("end");
    const tokens = tokensOf(text);
    expect(tokens).toHaveLength(SEEDED.max_new_tokens + 1); // the last event has no token but the usage
    return tokens;
  };

  test("the first visit answers, so does the next, and one without a network; the log has it all", async () => {
    const site = await openSite();
    const tab = await open(site);
    expect(await generate(tab, PARIS)).toMatchObject({ status: 200, response: " Paris.", finish_reason: "stop" });
    await tab.reload();
    await answering(tab);
    expect((await generate(tab, PARIS)).response).toBe(" Paris.");
    await site.close();
    await tab.reload();
    await answering(tab);
    expect((await generate(tab, PARIS)).response).toBe(" Paris.");
    expect((await closedLogs(tab)).map(({ response }) => response)).toEqual([" Paris.", " Paris.", " Paris."]);
  });

  test("one tab hosts the engine for all", async () => {
    const site = await openSite({ fakeEngine: true });
    const [first, second] = [await open(site), await open(site)];
    const locks = () =>
      first.evaluate(async (name) => {
        const { held = [], pending = [] } = await navigator.locks.query();
        const count = (locks: LockInfo[]) => locks.filter((lock) => lock.name === name).length;
        return { held: count(held), pending: count(pending) };
      }, ENGINE_LOCK);
    // The second one asks for the lock at some time after it has been answered.
    await expect.poll(locks, { timeout: 60_000 }).toEqual({ held: 1, pending: 1 });

    for (const tab of [first, second]) expect((await generate(tab, { prompt: "a" })).status).toBe(200);
  });

  test("an answer goes on, token for token, when the tab that hosts the engine closes", async () => {
    const site = await openSite({ fakeEngine: true });
    const [host, other] = [await open(site), await open(site)];
    const expected = await undisturbed(other);
    await beginGenerating(other, "handed-over", SLOW);
    expect((await readTokens(other, "handed-over", 10)).outcome).toBe(null);
    await close(host);
    const { text, outcome } = await readToEnd(other, "handed-over");
    expect(outcome).toBe("end");
    expect(tokensOf(text)).toEqual(expected);
    expect(text).toMatch(/data: \[DONE\]\n\n$/);
    const record = (await closedLogs(other)).find(({ request_id }) => request_id === "handed-over");
    expect(record).toMatchObject({ finish_reason: "length", response: expected.map(({ token }) => token).join("") });
  });

  test("an aborted stream frees the queue, and is logged as cancelled", async () => {
    const tab = await open(await openSite({ fakeEngine: true }));
    await beginGenerating(tab, "aborted", { prompt: "slow:50", max_new_tokens: 50_000 });
    await readTokens(tab, "aborted", 3);
    expect((await abortStream(tab, "aborted")).outcome).toBe("AbortError");
    expect((await generate(tab, { prompt: "a", max_new_tokens: 2 })).status).toBe(200);
    const [aborted, next] = await closedLogs(tab);
    expect(aborted).toMatchObject({ request_id: "aborted", finish_reason: "cancelled" });
    expect(next).toMatchObject({ finish_reason: "length" });
  });

  test("a stream that broke off is continued after the last event that was seen", async () => {
    const tab = await open(await openSite({ fakeEngine: true }));
    const expected = await undisturbed(tab);
    expect(expected.slice(0, -1).map(({ id }) => id)).toEqual(expected.slice(1).map(({ index }) => String(index)));

    await beginGenerating(tab, "broken", SLOW);
    await readTokens(tab, "broken", 10);
    const seen = tokensOf((await abortStream(tab, "broken")).text);
    expect(seen.length).toBeLessThan(SEEDED.max_new_tokens);
    await beginStream(tab, "resumed", "/generate/stream/broken", {
      headers: { accept: "text/event-stream", "last-event-id": seen.at(-1)?.id },
    });
    const { text, outcome } = await readToEnd(tab, "resumed");
    expect(outcome).toBe("end");
    expect([...seen, ...tokensOf(text)]).toEqual(expected);
  });
});

const KEEPING = ENGINES.filter(({ keepsProfile }) => keepsProfile);

describe.each(KEEPING)("in $name", ({ launch }) => {
  test("a browser that is started again without a network has the app, the model and the log", async () => {
    const site = await startSite();
    const browser = await launch();
    try {
      const before = await visit(browser, site);
      expect((await generate(before, PARIS)).response).toBe(" Paris.");
      await site.close();
      await browser.restart();
      const after = await visit(browser, site);
      expect((await generate(after, PARIS)).response).toBe(" Paris.");
      expect(await closedLogs(after)).toHaveLength(2);
    } finally {
      await browser.close();
    }
  });
});
