import { continueStream, MAX_FRUITLESS } from "./continue-stream.ts";
import { asVaultError, VaultError } from "./errors.ts";
import { connectEngine, type RemoteEngine } from "./port-client.ts";
import { type Engine, type EngineStatus, type Port, PROTOCOL_VERSION } from "./protocol.ts";
import { lockReleased } from "./web-lock.ts";
import { within } from "./within.ts";

/** How long something may be silent. WASM computes without a return to the event loop, so silence may be work. */
export interface Leases {
  /** A page that has just been opened must first become the host, and start its worker. */
  readonly linkMs: number;
  /** Whether there is an engine is asked by those who do not want to wait for one. */
  readonly statusMs: number;
  /** Reading a long prompt is one step. */
  readonly promptMs: number;
  readonly tokenMs: number;
}

const LEASES: Leases = { linkMs: 20_000, statusMs: 2_000, promptMs: 120_000, tokenMs: 30_000 };

/** A port is asked for again while none comes: whoever was asked may have just been closed. */
const ASK_AGAIN_MS = 500;

export interface LinkOptions {
  /** Asks for a port, or for the reason why there is none: either comes back by `offer` or `refuse`. */
  readonly askForPort: (waitedMs: number) => void;
  /** The worker that holds this lock is alive, and does not answer. */
  readonly reportStuck: (aliveLock: string) => void;
  readonly leases?: Partial<Leases>;
}

export interface EngineLink extends Engine {
  offer(port: Port, version: number, aliveLock: string): void;
  refuse(error: VaultError): void;
  /** The engine that was offered last is gone: for hosts that hear of it without its lock. */
  lost(): void;
  /** Settles once there is an engine; rejects if there is none to be had. */
  connect(): Promise<void>;
}

interface Linked {
  readonly engine: RemoteEngine;
  readonly aliveLock: string;
}

/**
 * The engine as a host sees it, whichever page it lives in at the moment. A missing port is normal (a service worker
 * forgets it whenever the browser stops it, a page takes it along when it is closed): another one is asked for, and
 * streams go on there.
 */
export function createEngineLink({ askForPort, reportStuck, leases }: LinkOptions): EngineLink {
  const { linkMs, statusMs, promptMs, tokenMs } = { ...LEASES, ...leases };
  let linked: Linked | undefined;
  let wanted: Wanted | undefined;
  let lastStatus: EngineStatus = { state: "absent" };

  const engine = (): Promise<RemoteEngine> => {
    if (linked) return Promise.resolve(linked.engine);
    wanted ??= wantPort(askForPort, linkMs, () => {
      wanted = undefined;
    });
    return wanted.promise;
  };

  const unlink = (lost: RemoteEngine, error?: VaultError) => {
    if (linked?.engine === lost) linked = undefined;
    lost.disconnect(error);
  };

  /** A worker that is loading a model says so when asked; one that computes says nothing, but not for so long. */
  const watch = <T>(asked: Engine, answer: Promise<T>, ms: number): Promise<T> =>
    within(answer, ms, async () => {
      const status = await within(asked.status(), statusMs, async () => STUCK).catch(() => null);
      if (status?.state === "loading" || (status?.state === "ready" && status.loading)) return null;
      if (status?.state === "ready" && Date.now() - status.card.loadedMs < ms) return null; // it has only just begun
      if (linked?.engine === asked) {
        reportStuck(linked.aliveLock);
        unlink(linked.engine, STUCK);
      }
      return STUCK;
    });

  /** Asks again if who was asked has gone since: for questions, which begin nothing. */
  const ask = async <T>(question: (engine: RemoteEngine) => Promise<T>): Promise<T> => {
    for (let lost = 0; ; lost++) {
      const asked = await engine();
      try {
        return await watch(asked, question(asked), promptMs);
      } catch (cause) {
        if (linked?.engine === asked || lost === MAX_FRUITLESS) throw cause;
      }
    }
  };

  return {
    offer(port, version, aliveLock) {
      // A page that has just become the host sends a port by itself, and one more if it was asked meanwhile.
      if (aliveLock && aliveLock === linked?.aliveLock) return port.close();
      if (version !== PROTOCOL_VERSION) return wanted?.reject(MISMATCH);
      const arrived = connectEngine(port);
      const before = linked?.engine;
      linked = { engine: arrived, aliveLock };
      before?.disconnect();
      wanted?.resolve(arrived);
      void lockReleased(aliveLock).then(() => unlink(arrived));
    },
    refuse: (error) => wanted?.reject(error),
    lost() {
      if (linked) unlink(linked.engine);
    },
    connect: () => engine().then(() => {}),

    async status() {
      const known = linked !== undefined;
      const answer = engine().then((asked) => asked.status());
      try {
        lastStatus = await within(answer, statusMs, async () => STUCK);
      } catch (cause) {
        const error = asVaultError(cause);
        if (error.code === "engine-failed") lastStatus = { state: "failed", error: error.toWire() };
        else if (!known || !linked) lastStatus = { state: "absent" }; // else: it is at work, and as it was
      }
      return lastStatus;
    },
    admit: (...args) => ask((engine) => engine.admit(...args)),
    load: (...args) => ask((engine) => engine.load(...args)),
    unload: (...args) => ask((engine) => engine.unload(...args)),
    models: () => ask((engine) => engine.models()),
    pull: (...args) => ask((engine) => engine.pull(...args)),
    pause: (...args) => ask((engine) => engine.pause(...args)),
    remove: (...args) => ask((engine) => engine.remove(...args)),
    tokenise: (...args) => ask((engine) => engine.tokenise(...args)),
    detokenise: (...args) => ask((engine) => engine.detokenise(...args)),
    generate: (request) =>
      continueStream(request, {
        engine,
        watch: (asked, read, started) => watch(asked, read, started ? tokenMs : promptMs),
      }),
  };
}

interface Wanted {
  readonly promise: Promise<RemoteEngine>;
  resolve(engine: RemoteEngine): void;
  reject(reason: VaultError): void;
}

function wantPort(ask: (waitedMs: number) => void, patienceMs: number, onSettled: () => void): Wanted {
  let settle!: Omit<Wanted, "promise">;
  const promise = new Promise<RemoteEngine>((resolve, reject) => {
    settle = { resolve, reject };
  });
  let waitedMs = 0;
  queueMicrotask(() => ask(0)); // the answer may come at once
  const timer = setInterval(() => {
    waitedMs += ASK_AGAIN_MS;
    if (waitedMs >= patienceMs) settle.reject(ABSENT);
    else ask(waitedMs);
  }, ASK_AGAIN_MS);
  const end = () => {
    clearInterval(timer);
    onSettled();
  };
  promise.then(end, end);
  return { promise, ...settle };
}

const ABSENT = new VaultError("engine-absent", "No page hosts the engine. Open MiniVault in a tab and try again.");
const STUCK = new VaultError(
  "engine-stuck",
  "The engine stopped answering and is started again. Send the request again.",
);
const MISMATCH = new VaultError(
  "version-mismatch",
  "The page and its service worker are of different versions. Reload the page.",
);
