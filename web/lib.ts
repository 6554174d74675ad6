import { reasonOf, VaultError } from "../core/errors.ts";
import { PING_PATH } from "../core/protocol.ts";
import { createKeyring } from "../core/vault/keyring.ts";
import { type EngineHost, hostEngine } from "./engine-host.ts";
import type { WorkerOptions } from "./engine-worker.ts";
import type { InPage } from "./in-page.ts";
import { type ApiScope, wrapFetch } from "./page-fetch.ts";
import { registerServiceWorker, serviceWorkers } from "./register-sw.ts";

export interface VaultOptions extends WorkerOptions, Partial<ApiScope> {
  /** A script that calls `installVault()`; its folder is the scope, and where the routes start if `base` is left out. */
  readonly serviceWorkerUrl: URL;
}

export interface Vault {
  /** Resolves once a request will be answered. Rejects with a `VaultError` that says why none will. */
  ready(): Promise<void>;
  /** Who answers this page; `null` until that is known, and requests wait until then. */
  readonly mode: "service-worker" | "page" | null;
  /** Why this page answers its own requests, if it does: the rest of a sentence. */
  readonly reason: string | null;
  /** Calls back whenever `mode` has changed. */
  onChange(listener: () => void): void;
}

/** A service worker that was stopped starts in a fraction of a second. */
const PING_MS = 5_000;

/**
 * From now on `fetch("/generate", …)` is answered on this page: by the service worker as soon as that is in control;
 * by this page itself while it is not, or where there is none.
 */
export function startVault(options: VaultOptions): Vault {
  createKeyring(); // a service worker that was stopped gets the key of an unlocked log from its pages
  const { serviceWorkerUrl, wholeOrigin = false, base = new URL("./", serviceWorkerUrl) } = options;
  const listeners: Array<() => void> = [];
  let mode: Vault["mode"] = null;
  let reason: string | null = null;
  let host: EngineHost | undefined;
  let settle: (way: InPage | null | Promise<InPage>) => void = () => {};
  let way = new Promise<InPage | null>((resolve) => {
    settle = resolve;
  });
  let unwrap = () => {};

  const go = (next: "service-worker" | "page", why: string | null) => {
    mode = next;
    reason = why;
    host ??= hostEngine(options);
    for (const listener of listeners) listener();
    return host;
  };

  const useServiceWorker = () => {
    if (mode === "service-worker") return;
    unwrap();
    settle(null);
    way = Promise.resolve(null);
    go("service-worker", null);
  };

  const usePage = (cause: unknown) => {
    if (mode !== null) return;
    const loaded = loadInPage({ host: go("page", reasonOf(cause)), base, baseUrl: options.baseUrl });
    loaded.catch(() => {}); // `ready` and every request tell
    settle(loaded);
  };

  const ready = async (): Promise<void> => {
    const asked = way;
    try {
      await (await asked)?.connected;
    } catch (cause) {
      if (way === asked) throw cause;
      return ready(); // a service worker came to help
    }
  };

  const registered = registerServiceWorker(serviceWorkerUrl);
  const ask = window.fetch.bind(window);
  unwrap = wrapFetch({ base, wholeOrigin }, async () => (await way)?.answer ?? null);
  serviceWorkers()?.addEventListener("controllerchange", useServiceWorker);
  if (serviceWorkers()?.controller) {
    registered.catch(() => {}); // an update that fails: the version that is in control goes on
    void isAnswered(new URL(PING_PATH, base), ask).then((yes) => (yes ? useServiceWorker() : usePage(NOT_OURS)));
  } else {
    registered.catch(usePage);
  }

  return {
    ready,
    get mode() {
      return mode;
    },
    get reason() {
      return reason;
    },
    onChange(listener) {
      listeners.push(listener);
    },
  };
}

const NOT_OURS = "the service worker in control does not answer for it";

/**
 * Whether the service worker in control answers. It may be another program's; or it cannot be started, its script lost
 * with a crash of the browser, and requests would go to the server.
 */
async function isAnswered(ping: URL, ask: typeof fetch): Promise<boolean> {
  try {
    const { status } = await ask(ping, { signal: AbortSignal.timeout(PING_MS) });
    return status === 204 || status === 205;
  } catch {
    return false;
  }
}

async function loadInPage(options: { host: EngineHost; base: URL; baseUrl: URL }): Promise<InPage> {
  const { createInPage } = await import("./in-page.ts").catch((cause: unknown) => {
    const detail = "This page cannot load what it needs to answer requests itself. Check the connection and reload.";
    throw new VaultError("engine-absent", detail, { cause });
  });
  return createInPage(options);
}
