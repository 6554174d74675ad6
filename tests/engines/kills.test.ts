import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Site } from "../../cli/site-server.ts";
import type { LogRecord } from "../../core/log/log-record.ts";
import { isLogRecord } from "../../core/log/log-schema.ts";
import { bundle, bundlePath } from "../browser/bundle.ts";
import type { Ask, Report } from "../chaos/ask.ts";
import { type ChaosBrowser, startBrowser, type Tab } from "../chaos/browser.ts";
import { fakeAnswer } from "../fixtures/fake-text.ts";
import { startSite } from "./vault.ts";

/** `MINIVAULT_KILLS=17` makes some fifty of them. */
const TIMES = Number(process.env["MINIVAULT_KILLS"] ?? 3);
/** One is under way, and the others wait for their turn. */
const STREAMS = 20;
const TOKENS = 60;
/** As a fast model on a GPU: at a thousand a second, a batch that is being written would be behind as well. */
const TOKEN_MS = 20;
/** What the log may lack of what a client had: one batch. The fake engine's tokens are a byte each. */
const BEHIND_BYTES = 32;

interface Asked {
  readonly ask: Ask;
  text: string;
  isOver: boolean;
}

let site: Site;
let browser: ChaosBrowser;
const asked = new Map<string, Asked>();

beforeEach(async () => {
  site = await startSite({ fakeEngine: true, env: { MINIVAULT_MAX_WAITING: `${STREAMS}` } });
  await bundle("../chaos/in-page.ts", "chaos.js");
  browser = await startBrowser({
    url: site.url,
    gpu: false,
    script: readFileSync(bundlePath("chaos.js"), "utf8"),
    onReport(id, report: Report) {
      const one = asked.get(id)!;
      if (report.type === "text") one.text += report.text;
      else one.isOver = true;
    },
    onGone: () => {
      for (const one of asked.values()) one.isOver = true;
    },
  });
  await browser.open();
});

afterEach(async () => {
  asked.clear();
  await browser.end();
  await site.close();
});

const KILLS: ReadonlyArray<readonly [what: string, kill: (tab: Tab) => Promise<unknown>]> = [
  ["the service worker is stopped", () => browser.stopServiceWorker()],
  ["the tab crashes", (tab) => browser.crashTab(tab).then(() => browser.open())],
  ["the browser is killed", () => browser.crash()],
];

test.each(KILLS)(
  "%s in the middle of streams: each is in the log once, with what had arrived of it",
  async (what, kill) => {
    for (let time = 0; time < TIMES; time++) {
      const [tab] = browser.tabs;
      const ids = Array.from({ length: STREAMS }, (_, place) => `${what}-${time}-${place}`.replaceAll(" ", "-"));
      for (const [place, id] of ids.entries()) {
        const body = { prompt: `slow:${TOKEN_MS + place}`, max_new_tokens: TOKENS };
        const ask: Ask = { id, way: "fetch", body, leaveAfter: 0 };
        asked.set(id, { ask, text: "", isOver: false });
        await tab!.page.evaluate(
          (ask) => void (globalThis as unknown as { chaosAsk(ask: unknown): void }).chaosAsk(ask),
          ask,
        );
      }
      const enough = Math.random() * 300;
      await expect
        .poll(() => ids.reduce((sum, id) => sum + asked.get(id)!.text.length, 0), { timeout: 60_000, interval: 5 })
        .toBeGreaterThan(enough);
      await kill(tab!);
      await expect.poll(() => ids.every((id) => asked.get(id)!.isOver), { timeout: 60_000 }).toBe(true);
      const log = await closedLog();
      for (const id of ids) check(asked.get(id)!, log);
    }
  },
);

function check({ ask, text }: Asked, log: readonly LogRecord[]): void {
  const records = log.filter(({ request_id }) => request_id === ask.id);
  const whole = fakeAnswer(ask.body.prompt as string, TOKENS);
  for (const record of records) {
    expect(isLogRecord(record)).toBe(true);
    expect(whole.startsWith(record.response.replace(/\uFFFD+$/, ""))).toBe(true);
  }
  // A request that was not answered yet when its service worker stopped is sent again by the browser itself.
  const answers = records.filter(({ response }) => response !== "");
  expect(answers.length).toBeLessThanOrEqual(1);
  const logged = answers[0]?.response ?? "";
  expect(bytesOf(text) - bytesOf(logged), `${ask.id} has ${logged.length} of ${text.length}`).toBeLessThanOrEqual(
    BEHIND_BYTES,
  );
  if (text !== "") expect(records.length).toBeGreaterThan(0);
}

const bytesOf = (text: string): number => new TextEncoder().encode(text).length;

async function closedLog(): Promise<readonly LogRecord[]> {
  let log: LogRecord[] = [];
  await expect
    .poll(
      async () => {
        const text = await browser.tabs[0]!.page.evaluate(async () => (await fetch("/logs")).text());
        log = text
          .split("\n")
          .filter(Boolean)
          .map((line) => JSON.parse(line) as LogRecord);
        return log.filter(({ finish_reason }) => finish_reason === null).length;
      },
      { timeout: 60_000 },
    )
    .toBe(0);
  return log;
}
