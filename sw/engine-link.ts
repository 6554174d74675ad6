import { deferStream } from "../core/defer-stream.ts";
import { VaultError } from "../core/errors.ts";
import { connectEngine, type RemoteEngine } from "../core/port-client.ts";
import { type Engine, type PageToSw, PROTOCOL_VERSION, type SwToPage } from "../core/protocol.ts";

declare const self: ServiceWorkerGlobalScope;

/** Time for a page to answer: one that has just been opened must first become the host. */
const ANSWER_MS = 5_000;

export interface EngineLink extends Engine {
  onMessage(message: PageToSw): void;
}

/**
 * The engine as the service worker sees it. The browser may stop this worker at any time, and the port is forgotten;
 * so a missing port is normal: ask the pages for a new one.
 */
export function createEngineLink(): EngineLink {
  let linked: RemoteEngine | undefined;
  let linkedLock: string | undefined;
  let asked: Deferred<RemoteEngine> | undefined;

  const engine = (): Promise<RemoteEngine> => {
    if (linked) return Promise.resolve(linked);
    asked ??= askPages(() => {
      asked = undefined;
    });
    return asked.promise;
  };

  const link = (arrived: RemoteEngine, aliveLock: string) => {
    linked?.disconnect();
    linked = arrived;
    linkedLock = aliveLock;
    asked?.resolve(arrived);
    // Granted when the page is gone.
    void navigator.locks.request(aliveLock, () => {
      if (linked === arrived) linked = undefined;
      arrived.disconnect();
    });
  };

  /** Asks again if the page that was asked has gone since, or was reloaded: for questions, which begin nothing. */
  const onEngine = async <T>(ask: (engine: RemoteEngine) => Promise<T>): Promise<T> => {
    const asked = await engine();
    try {
      return await ask(asked);
    } catch (cause) {
      if (linked === asked) throw cause;
      return ask(await engine());
    }
  };

  return {
    onMessage(message) {
      if (message.type !== "engine-port") return;
      if (linked && message.aliveLock === linkedLock) {
        // A page that has just become the host sends a port by itself, and one more if it was asked meanwhile.
        message.port.close();
      } else if (message.version === PROTOCOL_VERSION) {
        link(connectEngine(message.port), message.aliveLock);
      } else {
        asked?.reject(
          new VaultError(
            "version-mismatch",
            "The page and its service worker are of different versions. Reload the page.",
          ),
        );
      }
    },

    status: () => onEngine((asked) => asked.status()).catch(() => ({ state: "absent" })),
    admit: (...args) => onEngine((asked) => asked.admit(...args)),
    load: (...args) => onEngine((asked) => asked.load(...args)),
    unload: (...args) => onEngine((asked) => asked.unload(...args)),
    tokenise: (...args) => onEngine((asked) => asked.tokenise(...args)),
    detokenise: (...args) => onEngine((asked) => asked.detokenise(...args)),
    generate: (request) => deferStream(async () => (await engine()).generate(request)),
  };
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(reason: Error): void;
}

/** Every page is asked; whichever hosts the engine sends a port, which reaches `onMessage`. */
function askPages(onSettled: () => void): Deferred<RemoteEngine> {
  let settle!: Omit<Deferred<RemoteEngine>, "promise">;
  const promise = new Promise<RemoteEngine>((resolve, reject) => {
    settle = { resolve, reject };
    setTimeout(
      () => reject(new VaultError("engine-absent", "No page hosts the engine. Open MiniVault in a tab and try again.")),
      ANSWER_MS,
    );
  });
  promise.then(onSettled, onSettled);
  const ask: SwToPage = { type: "need-engine" };
  void self.clients.matchAll({ type: "window", includeUncontrolled: true }).then((pages) => {
    for (const page of pages) page.postMessage(ask);
  });
  return { promise, ...settle };
}
