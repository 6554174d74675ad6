import { readFileSync, rmSync } from "node:fs";
import type { Page } from "puppeteer-core";
import { type Site, serveSite } from "../../cli/site-server.ts";
import type { GenerateInput } from "../../core/dialects/minivault.ts";
import type { LogRecord } from "../../core/log/log-record.ts";
import { randomAt } from "../../engine/random.ts";
import { bundle, bundlePath } from "../browser/bundle.ts";
import { deploy, withVersions } from "../browser/site-folders.ts";
import { APP_MODEL, type Ask, type Asked, bodiesOf, HUB_MODEL, type Report } from "./ask.ts";
import { type BreakableHub, startBreakableHub } from "./breakable-hub.ts";
import { startBrowser, type Tab, until } from "./browser.ts";
import { pick, pickFault, type World } from "./faults.ts";
import { judge, type Verdict } from "./oracle.ts";
import { askVault, QUOTA_BYTES } from "./storage.ts";
import { tellErrors } from "./tell-errors.ts";

export interface ChaosOptions {
  readonly seed: number;
  readonly minutes: number;
  /** On the GPU, which is simulated and slow; else on the CPU. */
  readonly gpu?: boolean;
  /** With a log that has a passphrase, and is locked and unlocked. */
  readonly vault?: boolean;
  /** The origin's storage is filled, and the log is held. */
  readonly storage?: boolean;
  readonly tell: (line: string) => void;
}

export interface ChaosResult extends Verdict {
  readonly seed: number;
  readonly faults: Readonly<Record<string, number>>;
}

/** Requests that are under way at a time; the queue has room for nine. */
const MAX_OPEN = { cpu: 6, gpu: 3 };
/** Between two steps of the schedule. */
const STEP_MS = [30, 300] as const;
/** A step in so many is a fault; on a GPU that is simulated, an engine takes seconds to start. */
const FAULT_EVERY = { cpu: 7, gpu: 40 };
/** For how long something stays broken that is mended. */
const BROKEN_MS = [500, 4_000] as const;
/** For what was asked to end, once nothing more is asked. */
const LAST_MS = 120_000;

const envOf = (hub: BreakableHub, gpu: boolean) => ({
  MINIVAULT_HUB: hub.url,
  MINIVAULT_MODEL: APP_MODEL,
  // The catalogue knows the hashes of the real files, which the stand-in does not have: its own tree tells.
  MINIVAULT_MODELS: JSON.stringify([{ name: HUB_MODEL, repo: "Xenova/distilgpt2", revision: "main" }]),
  MINIVAULT_DEVICE: gpu ? "webgpu" : "wasm",
  MINIVAULT_RESIDENT_MODELS: gpu ? "2" : "1", // to change places takes seconds there
  MINIVAULT_RATE_LIMIT: "100000/100000",
});

/** Overlapping requests in several tabs while a seeded schedule breaks things around them; then judges what came of it. */
export async function runChaos({
  seed,
  minutes,
  gpu = false,
  vault = false,
  storage = false,
  tell,
}: ChaosOptions): Promise<ChaosResult> {
  await bundle("../chaos/in-page.ts", "chaos.js");
  const folder = withVersions(false);
  let version = 0;
  const deployNext = () => {
    deploy(folder, `${++version}`);
    tellErrors(folder);
  };
  deployNext();
  const hub = await startBreakableHub();
  const { site, restart, stop } = await startServer(folder, envOf(hub, gpu));
  const device = gpu ? "gpu" : "cpu";
  const bodies = bodiesOf(gpu);

  let step = 0;
  const random = () => randomAt(seed, step++)(0);
  const between = ([from, to]: readonly [number, number]) => from + random() * (to - from);

  const asked = new Map<string, Asked>();
  const tabOf = new Map<string, Page>();
  const faults: Record<string, number> = {};
  const complaints: string[] = [];
  const storageOutages: { readonly fromMs: number; toMs: number }[] = [];

  const end = (id: string, how: NonNullable<Asked["end"]>["how"], detail = "") => {
    const one = asked.get(id);
    if (!one || one.end?.how === "gone") return; // a late report of a tab that is gone
    one.ends++;
    one.end ??= { how, detail, atMs: Date.now() };
  };
  const browser = await startBrowser({
    url: site.url,
    gpu,
    quotaBytes: storage ? QUOTA_BYTES : null,
    script: readFileSync(bundlePath("chaos.js"), "utf8"),
    onReport(id, report: Report) {
      const one = asked.get(id);
      if (!one) return;
      if (report.type === "end") end(id, report.how, report.detail);
      else if (!one.end) one.text += report.text;
    },
    onGone(page) {
      for (const [id, tab] of tabOf) if (tab === page && !asked.get(id)?.end) end(id, "gone");
    },
  });

  const isOpen = () => [...asked.values()].filter((one) => !one.end).length;
  const awake = () => browser.tabs.filter(({ frozen }) => !frozen);

  const ask = () => {
    const tab = pick(awake(), random());
    const body = pick(bodies, random());
    const way = pick(["client", "client", "client", "fetch", "json"] as const, random());
    if (!tab || !body || !way) return;
    const leaveAfter = random() < 0.25 ? 1 + Math.floor(random() * 60) : 0;
    const one: Ask = { id: `${seed}-${asked.size}`, way, body, leaveAfter };
    asked.set(one.id, { ask: one, atMs: Date.now(), text: "", end: null, ends: 0 });
    tabOf.set(one.id, tab.page);
    tab.page
      .evaluate((one) => void (globalThis as unknown as { chaosAsk(one: unknown): unknown }).chaosAsk(one), one)
      .catch(() => end(one.id, "gone"));
  };

  const world: World = {
    browser,
    hub,
    random,
    logHolder: null,
    setServer: async (up) => (up ? restart() : stop()),
    storageOutage() {
      const outage = { fromMs: Date.now(), toMs: Number.POSITIVE_INFINITY };
      storageOutages.push(outage);
      return () => {
        outage.toMs = Date.now();
      };
    },
    async update() {
      await quiet(LAST_MS);
      deployNext();
      const [tab] = awake();
      if (tab) await takeUpdate(tab, `${version}`);
    },
  };

  /** What is broken is mended, and what was asked ends. */
  const mends: Array<{ readonly atMs: number; mend(): Promise<void> }> = [];
  const mend = async (untilMs: number) => {
    for (const due of mends.filter(({ atMs }) => atMs <= untilMs)) {
      mends.splice(mends.indexOf(due), 1);
      await due.mend();
    }
  };
  const quiet = async (ms: number) => {
    await mend(Number.POSITIVE_INFINITY);
    for (const untilMs = Date.now() + ms; isOpen() > 0 && Date.now() < untilMs; ) await sleep(50);
  };

  const first = await browser.open();
  if (vault) await askVault(first.page, "");
  const references = await readReferences(browser.tabs[0]!, bodies);
  const untilMs = Date.now() + minutes * 60_000;
  let toldMs = Date.now();
  for (let count = 1; Date.now() < untilMs; count++) {
    while (isOpen() < MAX_OPEN[device] && awake().length > 0) ask();
    await sleep(between(STEP_MS));
    await mend(Date.now());
    if (count % FAULT_EVERY[device] === 0) {
      const fault = pickFault(random(), { gpu, vault, storage });
      try {
        const undo = await fault.strike(world);
        if (undo === null) continue;
        faults[fault.name] = (faults[fault.name] ?? 0) + 1;
        if (undo) mends.push({ atMs: Date.now() + between(BROKEN_MS), mend: undo });
      } catch (cause) {
        complaints.push(`${fault.name}, at request ${asked.size}: ${cause}`);
      }
    }
    if (Date.now() - toldMs > 30_000) {
      toldMs = Date.now();
      tell(
        `${asked.size} requests, ${browser.tabs.length} tabs, ${Object.values(faults).reduce((a, b) => a + b, 0)} faults`,
      );
    }
  }
  await quiet(LAST_MS);

  const last = await browser.open();
  if (vault) await askVault(last.page, "/unlock");
  complaints.push(...(await lastComplaints(last)), ...browser.errors);
  const verdict = judge([...asked.values()], await readLog(last), {
    references,
    outages: hub.outages,
    storageOutages,
    isSealed: vault,
  });
  for (const [body, text] of await readReferences(last, oneOfEach(bodies))) {
    if (text !== references.get(body)) complaints.push(`at the end, ${JSON.stringify(body)} is answered: ${text}`);
  }
  await browser.end();
  await stop();
  await hub.close();
  rmSync(folder, { recursive: true });
  return { ...verdict, complaints: [...complaints, ...verdict.complaints], seed, faults };
}

/** The button of the update's notice, no other line's. */
const OFFER = "vault-app >>> update-notice >>> button";

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** At the same address after each start. */
async function startServer(folder: string, env: ReturnType<typeof envOf>) {
  let site: Site | undefined = await serveSite({ folder, port: 0, env });
  const { url } = site;
  const stop = async () => {
    const stopped = site;
    site = undefined;
    stopped?.httpServer.closeAllConnections();
    await stopped?.close();
  };
  const restart = async () => {
    site ??= await serveSite({ folder, port: Number(new URL(url).port), env });
  };
  return { site: { url }, stop, restart };
}

/** For each model. */
const oneOfEach = (bodies: readonly GenerateInput[]): readonly GenerateInput[] =>
  bodies.filter(({ model }, index) => bodies.findIndex((body) => body.model === model) === index);

/** Whole answers, undisturbed. */
async function readReferences({ page }: Tab, bodies: readonly GenerateInput[]): Promise<Map<GenerateInput, string>> {
  const texts = new Map<GenerateInput, string>();
  for (const body of bodies) {
    const text = await page.evaluate(async (body) => {
      const response = await fetch("/generate", { method: "POST", body: JSON.stringify(body) });
      const answer = await response.text();
      return response.ok ? (JSON.parse(answer).response as string) : answer;
    }, body);
    texts.set(body, text);
  }
  return texts;
}

/** As a user would: the page finds the version, the notice is clicked, the page comes back as the new version. */
async function takeUpdate({ page }: Tab, version: string): Promise<void> {
  await page.evaluate(async () => {
    await (await navigator.serviceWorker.ready).update();
  });
  await until(page, OFFER);
  await page.$eval(OFFER, (button) => (button as HTMLElement).click());
  await until(page, `html[data-version="${version}"]`);
  await until(page, "vault-app >>> button.primary:not([disabled])");
}

async function readLog({ page }: Tab): Promise<LogRecord[]> {
  const text = await page.evaluate(async () => {
    const response = await fetch("/logs");
    if (!response.ok) throw new Error(`The log cannot be read: ${await response.text()}`);
    return response.text();
  });
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as LogRecord);
}

/** The chain is whole, the queue is empty, one tab hosts the engine. */
async function lastComplaints({ page }: Tab): Promise<string[]> {
  const chain = await page.evaluate(async () => (await fetch("/logs/verify")).json());
  const read = () =>
    page.evaluate(async () => {
      const { queue } = await (await fetch("/health")).json();
      const { held = [] } = await navigator.locks.query();
      return {
        busy: queue.active + queue.waiting,
        hosts: held.filter(({ name }) => name === "minivault-engine").length,
      };
    });
  let { busy, hosts } = await read();
  for (let tries = 0; busy > 0 && tries < 100; tries++) {
    await sleep(100);
    ({ busy, hosts } = await read());
  }
  return [
    ...(chain.whole === true ? [] : [`the chain is broken: ${JSON.stringify(chain)}`]),
    ...(busy > 0 ? [`${busy} places of the queue are taken at the end`] : []),
    ...(hosts === 1 ? [] : [`${hosts} tabs host the engine`]),
  ];
}
