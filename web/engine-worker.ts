import { reasonOf, VaultError } from "../core/errors.ts";
import type { Avoidable, EngineToPage, PageToEngine } from "../core/protocol.ts";
import { randomId } from "../core/random-id.ts";
import { requestLock } from "../core/web-lock.ts";
import { askToKeep } from "./ask-to-keep.ts";

export interface WorkerOptions {
  /** Starts the engine's dedicated worker: a service worker cannot. */
  readonly createWorker: () => Worker;
  /** Where `minivault.config.json` and `models/` are. */
  readonly baseUrl: URL;
}

interface WorkerEvents {
  /** A worker takes ports from now on. */
  onAlive(): void;
  onGone(): void;
  /** It died too often, or cannot be started at all. */
  onFailed(error: VaultError): void;
}

/** A worker that is replaced whenever it dies. */
export interface EngineWorker {
  /** Named by the worker that takes ports now. */
  readonly aliveLock: string | null;
  readonly failure: VaultError | null;
  start(): void;
  stop(): void;
  /** Replaces the worker that holds this lock, if it still does. */
  replace(aliveLock: string): void;
  attach(port: MessagePort, host: Attach["host"]): void;
}

type Attach = Extract<PageToEngine, { type: "attach" }>;

/** Within so many milliseconds so many deaths are made good. */
const DEATHS_MS = 60_000;
const DEATHS = 3;
/** A GPU that is lost this often is not asked again, nor one that may be why a worker stopped answering. */
const LOSSES = 2;
/** Time for its script to load and run. */
const START_MS = 30_000;

export function superviseWorker({ createWorker, baseUrl }: WorkerOptions, events: WorkerEvents): EngineWorker {
  let current: { readonly worker: Worker; readonly aliveLock: string; alive: boolean; stop(): void } | undefined;
  let failure: VaultError | null = null;
  let deathsMs: number[] = [];
  const losses: Record<Avoidable, number> = { webgpu: 0, threads: LOSSES - 1 }; // threads fail for good

  const start = () => {
    if (current || failure) return;
    let worker: Worker;
    try {
      worker = createWorker();
    } catch (cause) {
      return fail(reasonOf(cause));
    }
    const aliveLock = `minivault-engine-${randomId()}`;
    const late = setTimeout(() => died(worker, "it does not start"), START_MS);
    let unwatch = () => {};
    const mine = {
      worker,
      aliveLock,
      alive: false,
      stop() {
        clearTimeout(late);
        unwatch();
        worker.terminate();
      },
    };
    current = mine;
    worker.addEventListener("error", ({ message }) => {
      if (!mine.alive) died(worker, message || "its script cannot be loaded");
    });
    worker.addEventListener("message", ({ data }: MessageEvent<EngineToPage>) => {
      if (current !== mine) return;
      if (data.type === "broken") return renew(data.part);
      if (data.type === "downloading") return askToKeep();
      clearTimeout(late);
      mine.alive = true;
      // Granted when the worker is gone, which nothing else tells.
      unwatch = requestLock(aliveLock, { onHeld: () => died(worker, "it ended by itself") });
      events.onAlive();
    });
    const avoid = (["webgpu", "threads"] as const).filter((part) => losses[part] >= LOSSES);
    worker.postMessage({ type: "start", baseUrl: baseUrl.href, aliveLock, avoid } satisfies PageToEngine);
  };

  const stop = () => {
    if (!current) return;
    current.stop();
    current = undefined;
    events.onGone();
  };

  /** The worker lives, but cannot go on: answers under way go on in the next one. */
  const renew = (part: Avoidable) => {
    losses[part]++;
    stop();
    start();
  };

  const died = (worker: Worker, reason: string) => {
    if (current?.worker !== worker) return;
    stop();
    const nowMs = performance.now();
    deathsMs = [...deathsMs.filter((ms) => nowMs - ms < DEATHS_MS), nowMs];
    if (deathsMs.length > DEATHS) fail(reason);
    else start();
  };

  const fail = (reason: string) => {
    failure = new VaultError("engine-failed", `The engine's worker failed: ${reason}. Reload the page.`);
    events.onFailed(failure);
  };

  return {
    get aliveLock() {
      return current?.alive ? current.aliveLock : null;
    },
    get failure() {
      return failure;
    },
    start,
    stop,
    replace(aliveLock) {
      if (current?.aliveLock !== aliveLock) return;
      losses.webgpu++; // a driver that hangs says nothing
      died(current.worker, "it stopped answering");
    },
    attach(port, host) {
      current?.worker.postMessage({ type: "attach", port, host } satisfies PageToEngine, [port]);
    },
  };
}
