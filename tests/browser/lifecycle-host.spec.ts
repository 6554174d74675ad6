import type { Page } from "playwright/test";
import { findChromium, QUIET_FLAGS } from "../find-chromium.ts";
import { DIE, fakeAnswer, STEPS_CHANNEL } from "../fixtures/fake-text.ts";
import { engineSteps, expect, generate, newTab, postTo, test } from "./harness.ts";
import { openRawProfile, type RawTab } from "./raw-tabs.ts";

test.use({
  fakeEngine: true,
  launchOptions: {
    executablePath: findChromium(),
    args: QUIET_FLAGS,
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
  },
});

type Tab = Pick<RawTab, "evaluate"> | Page;

/** The tab that holds the engine's lock, as the Web Locks name it. */
const leader = (tab: Tab): Promise<string | undefined> =>
  (tab as RawTab).evaluate(
    async () => (await navigator.locks.query()).held?.find(({ name }) => name === "minivault-engine")?.clientId,
  );

/** The lock of the worker that lives, or nothing. */
const aliveLock = (tab: Tab): Promise<string | undefined> =>
  (tab as RawTab).evaluate(
    async () => (await navigator.locks.query()).held?.find(({ name }) => name?.startsWith("minivault-engine-"))?.name,
  );

const idOf = (tab: Tab): Promise<string | undefined> =>
  (tab as RawTab).evaluate(async () =>
    navigator.locks.request("who am I", async () => {
      const { held } = await navigator.locks.query();
      return held?.find(({ name }) => name === "who am I")?.clientId;
    }),
  );

const answers = (tab: Tab): Promise<string> =>
  (tab as RawTab).evaluate(async () => {
    const response = await fetch("/generate", { method: "POST", body: '{"prompt": "a", "max_new_tokens": 5}' });
    return `${response.status} ${(await response.json()).response}`;
  });
const ANSWER = "200 wölf";

const waits = (tab: Tab): Promise<boolean> =>
  (tab as RawTab).evaluate(async () => {
    const { pending } = await navigator.locks.query();
    return pending?.some(({ name }) => name === "minivault-engine") ?? false;
  });

interface Seen {
  readonly text: string;
  readonly isWhole: boolean;
}

test.describe("tabs that can be hidden and frozen", () => {
  /** Opened one after the other; the last one is in front. The first hosts the engine. */
  const openTabs = async (profile: Awaited<ReturnType<typeof openRawProfile>>, url: string, count: number) => {
    const tabs: RawTab[] = [];
    for (let tab = 0; tab < count; tab++) {
      const opened = await profile.open(url);
      const ready = () => opened.evaluate(() => !!navigator.serviceWorker.controller).catch(() => false);
      await expect.poll(ready).toBe(true);
      if (tab === 0) await expect.poll(() => aliveLock(opened)).toBeTruthy();
      else await expect.poll(() => waitsItself(opened)).toBe(true);
      tabs.push(opened);
    }
    return tabs as [RawTab, ...RawTab[]];
  };
  const waitsItself = async (tab: RawTab) => {
    const id = await idOf(tab);
    return tab
      .evaluate(async () => (await navigator.locks.query()).pending)
      .then((pending) => pending?.some(({ name, clientId }) => name === "minivault-engine" && clientId === id));
  };

  test("the engine goes to the tab that people look at, not to the one that waited longest", async ({
    browser,
    site,
  }) => {
    const profile = await openRawProfile(browser);
    const [first, second, third] = await openTabs(profile, site.url, 3);
    if (!second || !third) throw new Error();
    expect(await leader(third)).toBe(await idOf(first));
    await first.close();
    await expect.poll(() => leader(third)).toBe(await idOf(third));
    expect(await answers(third)).toBe(ANSWER);

    // Where people look at none of them, one that they do not look at has to do.
    await profile.open("about:blank");
    await expect.poll(() => second.evaluate(() => document.visibilityState)).toBe("hidden");
    await third.close();
    await expect.poll(() => leader(second)).toBe(await idOf(second));
    expect(await answers(second)).toBe(ANSWER);
    await profile.close();
  });

  test("a frozen tab hands the engine over, and waits for it again when it wakes", async ({ browser, site }) => {
    const profile = await openRawProfile(browser);
    const [first, second] = await openTabs(profile, site.url, 2);
    if (!second) throw new Error();
    const before = await aliveLock(second);
    await first.send("Page.setWebLifecycleState", { state: "frozen" });
    await expect.poll(() => leader(second)).toBe(await idOf(second));
    expect(await answers(second)).toBe(ANSWER);
    expect(await aliveLock(second)).not.toBe(before);
    expect(await waits(second)).toBe(false);

    await first.send("Page.setWebLifecycleState", { state: "active" });
    await expect.poll(() => waitsItself(first)).toBe(true);
    expect(await leader(first)).toBe(await idOf(second));
    expect(await answers(first)).toBe(ANSWER);
    await profile.close();
  });

  test("a tab that freezes in the middle of another tab's answer: the answer goes on", async ({ browser, site }) => {
    const profile = await openRawProfile(browser);
    const [first, second] = await openTabs(profile, site.url, 2);
    if (!second) throw new Error();
    await second.evaluate(() => {
      const read = async () => {
        const body = JSON.stringify({ prompt: "slow:20", max_new_tokens: 100 });
        const response = await fetch("/generate/stream", { method: "POST", body });
        const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
        const seen = { text: "", isWhole: false };
        Object.assign(globalThis, { seen });
        for (let next = await reader.read(); !next.done; next = await reader.read()) seen.text += next.value;
        seen.isWhole = true;
      };
      void read();
    });
    const seen = () => second.evaluate(() => (globalThis as unknown as { seen?: Seen }).seen);
    await expect.poll(async () => (await seen())?.text.length ?? 0).toBeGreaterThan(10);
    await first.send("Page.setWebLifecycleState", { state: "frozen" });
    await expect.poll(async () => (await seen())?.isWhole).toBe(true);
    expect((await seen())?.text).toBe(fakeAnswer("slow:20", 100));
    await profile.close();
  });

  test("a tab in the back/forward cache hosts nothing; it hosts again when it is back", async ({ browser, site }) => {
    const profile = await openRawProfile(browser);
    const [tab] = await openTabs(profile, site.url, 1);
    await tab.evaluate(() => {
      window.addEventListener("pageshow", ({ persisted }) => {
        document.title = persisted ? "came back" : "was loaded";
      });
    });
    await tab.send("Page.navigate", { url: `${site.url}icons/vault.svg` });
    await expect.poll(() => tab.evaluate(() => location.pathname).catch(() => "")).toBe("/icons/vault.svg");
    await expect.poll(() => leader(tab)).toBe(undefined);
    expect(await aliveLock(tab)).toBe(undefined);
    await tab.evaluate(() => history.back());
    await expect.poll(() => tab.evaluate(() => document.title).catch(() => "")).toBe("came back");
    await expect.poll(() => aliveLock(tab)).toBeTruthy();
    expect(await answers(tab)).toBe(ANSWER);
    await profile.close();
  });
});

/** As the service worker would. */
const tell = (page: Page, data: object) =>
  page.evaluate((data) => navigator.serviceWorker.dispatchEvent(new MessageEvent("message", { data })), data);

const killWorker = (page: Page) =>
  page.evaluate(([channel, die]) => new BroadcastChannel(channel).postMessage(die), [STEPS_CHANNEL, DIE] as const);

/** Waits until another worker lives than the one of this lock. */
async function nextWorker(page: Page, before: string | undefined): Promise<string | undefined> {
  let now: string | undefined;
  await expect
    .poll(async () => {
      now = await aliveLock(page);
      return now !== undefined && now !== before;
    })
    .toBe(true);
  return now;
}

test("a worker that dies by itself is replaced, and the next request is answered", async ({ vault }) => {
  const before = await nextWorker(vault, undefined);
  await engineSteps(vault);
  await killWorker(vault);
  await nextWorker(vault, before);
  expect(await generate(vault, { prompt: "a" })).toMatchObject({ status: 200 });
});

test("one that dies again and again is given up, and the page and every answer say so", async ({ vault }) => {
  let lock: string | undefined;
  for (let death = 0; death < 4; death++) {
    lock = await nextWorker(vault, lock);
    await engineSteps(vault);
    await killWorker(vault);
  }
  const why = "The engine's worker failed: it ended by itself. Reload the page.";
  await expect(vault.getByText(why)).toBeVisible();
  for (const path of ["/generate", "/generate/stream", "/v1/completions", "/api/generate"]) {
    expect(await postTo(vault, path)).toEqual({ status: 500, text: expect.stringContaining(why) });
  }
  expect(await aliveLock(vault)).toBe(undefined);
});

test("a worker that is reported as stuck is replaced; a report about another one changes nothing", async ({
  vault,
}) => {
  const stuck = await nextWorker(vault, undefined);
  await tell(vault, { type: "engine-stuck", aliveLock: "one of long ago" });
  expect(await generate(vault, { prompt: "a" })).toMatchObject({ status: 200 });
  expect(await aliveLock(vault)).toBe(stuck);
  await tell(vault, { type: "engine-stuck", aliveLock: stuck });
  await nextWorker(vault, stuck);
  expect(await generate(vault, { prompt: "a" })).toMatchObject({ status: 200 });
});

test("a page that is told to takes the engine over from one that does not answer", async ({ vault, context, site }) => {
  const before = await nextWorker(vault, undefined);
  const other = await newTab(context, site.url);
  await tell(other, { type: "take-over" });
  await expect.poll(() => leader(other)).toBe(await idOf(other));
  await nextWorker(other, before);
  expect(await generate(vault, { prompt: "a" })).toMatchObject({ status: 200 });
  await other.close();
  await expect.poll(() => leader(vault)).toBe(await idOf(vault));
  expect(await generate(vault, { prompt: "a" })).toMatchObject({ status: 200 });
});

test("the page that hosts the engine pings the service worker when that asks for it, and only that one", async ({
  vault,
  context,
  site,
}) => {
  const other = await newTab(context, site.url);
  const pings: Page[] = [];
  for (const page of [vault, other]) {
    page.on("request", (request) => {
      if (new URL(request.url()).pathname === "/__ping") pings.push(page);
    });
  }
  await tell(other, { type: "keep-alive" });
  const pinged = vault.waitForRequest("**/__ping");
  await tell(vault, { type: "keep-alive" });
  await pinged;
  expect(pings).toEqual([vault]);
});
