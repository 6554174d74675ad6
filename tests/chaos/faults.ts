import { HUB_MODEL } from "./ask.ts";
import { type BreakableHub, CUTS } from "./breakable-hub.ts";
import type { ChaosBrowser, Tab } from "./browser.ts";
import { destroyGpus } from "./destroy-gpu.ts";
import { EVICTIONS, evict } from "./evict.ts";

export interface World {
  readonly browser: ChaosBrowser;
  readonly hub: BreakableHub;
  /** A number in [0, 1) from the run's seed. */
  random(): number;
  /** Stops the site's server, and starts it again. */
  setServer(up: boolean): Promise<void>;
  /** Puts a new version on the server, and has it taken; rejects if it is not. */
  update(): Promise<void>;
}

interface Fault {
  readonly name: string;
  /** How often, beside the others. */
  readonly weight: number;
  readonly needsGpu?: true;
  /** What is undone later comes back as a function; `null`: there was nothing to break. */
  strike(world: World): Promise<(() => Promise<void>) | undefined | null>;
}

const MAX_TABS = 4;

export const pick = <T>(values: readonly T[], random: number): T | undefined =>
  values[Math.floor(random * values.length)];

const someTab = ({ browser, random }: World): Tab | undefined => pick(browser.tabs, random());

/** A run always goes on in at least one tab. */
const keepOne = async ({ browser }: World) => {
  if (!browser.tabs.some(({ frozen }) => !frozen)) await browser.open();
  return undefined;
};

const evictSome = async ({ browser, random }: World): Promise<boolean> => {
  const tab = browser.tabs.find(({ frozen }) => !frozen);
  const how = pick(EVICTIONS, random());
  const which = random();
  return tab !== undefined && how !== undefined && (await evict(tab.page, HUB_MODEL, how, which).catch(() => false));
};

/** Leaving a request and not reading on are among the requests themselves. */
const FAULTS: readonly Fault[] = [
  {
    name: "stop the service worker",
    weight: 6,
    async strike({ browser }) {
      await browser.stopServiceWorker();
      return undefined;
    },
  },
  {
    name: "another tab",
    weight: 6,
    async strike({ browser }) {
      if (browser.tabs.length < MAX_TABS) await browser.open();
      return undefined;
    },
  },
  {
    name: "close a tab",
    weight: 5,
    async strike(world) {
      const tab = someTab(world);
      if (tab) await world.browser.close(tab);
      return keepOne(world);
    },
  },
  {
    name: "crash a tab",
    weight: 2,
    async strike(world) {
      const tab = someTab(world);
      if (tab) await world.browser.crashTab(tab);
      return keepOne(world);
    },
  },
  {
    name: "freeze a tab",
    weight: 4,
    async strike(world) {
      const tab = someTab(world);
      if (!tab || tab.frozen) return undefined;
      await world.browser.freeze(tab, true);
      await keepOne(world);
      return () => world.browser.freeze(tab, false);
    },
  },
  {
    name: "go offline",
    weight: 2,
    async strike({ setServer }) {
      await setServer(false);
      return () => setServer(true);
    },
  },
  {
    name: "update",
    weight: 1,
    async strike({ update }) {
      await update();
      return undefined;
    },
  },
  {
    name: "crash the browser",
    weight: 1,
    async strike({ browser }) {
      await browser.crash();
      return undefined;
    },
  },
  {
    name: "evict a model file",
    weight: 4,
    strike: async (world) => ((await evictSome(world)) ? undefined : null),
  },
  {
    name: "cut the hub",
    weight: 4,
    async strike(world) {
      const { hub, random } = world;
      const how = pick(CUTS, random());
      const isFelt = random() < 0.5; // else only those notice who have a download under way
      if (hub.isCut || !how) return null;
      if (isFelt) await evictSome(world);
      await hub.cut(how);
      return () => hub.mend();
    },
  },
  {
    name: "destroy GPU device",
    weight: 40,
    needsGpu: true,
    async strike({ browser }) {
      const pages = browser.tabs.filter(({ frozen }) => !frozen).map(({ page }) => page);
      const counts = await Promise.all(pages.map(destroyGpus));
      return counts.some((count) => count > 0) ? undefined : null;
    },
  },
];

export const pickFault = (random: number, gpu: boolean): Fault => {
  const lots = FAULTS.filter(({ needsGpu }) => gpu || !needsGpu);
  return (
    pick(
      lots.flatMap((fault) => Array<Fault>(fault.weight).fill(fault)),
      random,
    ) ?? FAULTS[0]!
  );
};
