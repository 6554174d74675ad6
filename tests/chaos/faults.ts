import { HUB_MODEL } from "./ask.ts";
import { type BreakableHub, CUTS } from "./breakable-hub.ts";
import type { ChaosBrowser, Tab } from "./browser.ts";
import { destroyGpus } from "./destroy-gpu.ts";
import { EVICTIONS, evict } from "./evict.ts";
import { askVault, emptyStorage, fillStorage, holdLog, releaseLog } from "./storage.ts";

export interface World {
  readonly browser: ChaosBrowser;
  readonly hub: BreakableHub;
  /** A number in [0, 1) from the run's seed. */
  random(): number;
  /** Stops the site's server, and starts it again. */
  setServer(up: boolean): Promise<void>;
  /** Puts a new version on the server, and has it taken; rejects if it is not. */
  update(): Promise<void>;
  /** From when to when records may not be stored; the first call begins it. */
  storageOutage(): () => void;
  /** Which tab holds the log, if one does: the next one would wait for it. */
  logHolder: Tab | null;
}

interface Fault {
  readonly name: string;
  /** How often, beside the others. */
  readonly weight: number;
  readonly needs?: "gpu" | "vault" | "storage";
  /** What is undone later comes back as a function; `null`: there was nothing to break. */
  strike(world: World): Promise<(() => Promise<void>) | undefined | null>;
}

const MAX_TABS = 4;

export const pick = <T>(values: readonly T[], random: number): T | undefined =>
  values[Math.floor(random * values.length)];

const someTab = ({ browser, random }: World): Tab | undefined => pick(browser.tabs, random());

const awakeTab = ({ browser }: World): Tab | undefined => browser.tabs.find(({ frozen }) => !frozen);

/** Above every version of the database; each must be above the one before. */
const FIRST_HELD = 1_000;

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
      if (!tab || tab.frozen || tab === world.logHolder) return undefined; // frozen, it would never let go
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
    needs: "gpu",
    async strike({ browser }) {
      const pages = browser.tabs.filter(({ frozen }) => !frozen).map(({ page }) => page);
      const counts = await Promise.all(pages.map(destroyGpus));
      return counts.some((count) => count > 0) ? undefined : null;
    },
  },
  {
    name: "hold the log",
    weight: 2,
    needs: "storage",
    async strike(world) {
      const tab = awakeTab(world);
      if (!tab || world.logHolder) return null;
      const end = world.storageOutage();
      world.logHolder = tab;
      await holdLog(tab.page, FIRST_HELD + Math.floor(Date.now() / 1000));
      return async () => {
        await releaseLog(tab.page);
        world.logHolder = null;
        end();
      };
    },
  },
  {
    name: "fill the storage",
    weight: 2,
    needs: "storage",
    async strike(world) {
      const tab = awakeTab(world);
      if (!tab) return null;
      const end = world.storageOutage();
      await fillStorage(tab.page);
      return async () => {
        const other = awakeTab(world) ?? (await world.browser.open());
        await emptyStorage(other.page);
        end();
      };
    },
  },
  {
    name: "lock the log",
    weight: 6,
    needs: "vault",
    async strike(world) {
      const tab = awakeTab(world);
      if (!tab) return null;
      await askVault(tab.page, "/lock");
      return async () => {
        const other = awakeTab(world) ?? (await world.browser.open());
        await askVault(other.page, "/unlock");
      };
    },
  },
];

/** What a run has, and may break. */
export type Having = Readonly<Record<"gpu" | "vault" | "storage", boolean>>;

export const pickFault = (random: number, has: Having): Fault => {
  const lots = FAULTS.filter(({ needs }) => !needs || has[needs]);
  return (
    pick(
      lots.flatMap((fault) => Array<Fault>(fault.weight).fill(fault)),
      random,
    ) ?? FAULTS[0]!
  );
};
