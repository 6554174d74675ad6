import type { ChaosBrowser, Tab } from "./browser.ts";

export interface World {
  readonly browser: ChaosBrowser;
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
  /** What is undone later comes back as a function. */
  strike(world: World): Promise<(() => Promise<void>) | undefined>;
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
];

const LOTS = FAULTS.flatMap((fault) => Array<Fault>(fault.weight).fill(fault));

export const pickFault = (random: number): Fault => pick(LOTS, random) ?? FAULTS[0]!;
