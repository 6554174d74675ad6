import { createEngineLink, type EngineLink, type Leases } from "../core/engine-link.ts";
import { VaultError } from "../core/errors.ts";
import { ENGINE_LOCK, type PageToSw, type SwToPage } from "../core/protocol.ts";

declare const self: ServiceWorkerGlobalScope;

/** A page that hosts the engine answers within a moment, or is about to start a worker: then within seconds. */
const TAKE_OVER_MS = 8_000;

/** A page that is being opened asks for the lock soon. */
const NOBODY_MS = 5_000;

export interface SwLink extends EngineLink {
  onMessage(message: PageToSw): void;
}

/** The engine as the service worker sees it: in one of the pages, which are asked for it. */
export function linkToPages(leases: Partial<Leases> = {}): SwLink {
  const link = createEngineLink({
    leases,
    askForPort: (waitedMs) => void ask(waitedMs, () => link.refuse(NOBODY)),
    reportStuck: (aliveLock) => void tellPages({ type: "engine-stuck", aliveLock }),
  });
  return {
    ...link,
    onMessage(message) {
      if (message.type === "engine-port") link.offer(message.port, message.version, message.aliveLock);
      if (message.type === "engine-failed") link.refuse(VaultError.fromWire(message.error));
    },
  };
}

async function ask(waitedMs: number, refuse: () => void): Promise<void> {
  const { held = [], pending = [] } = await navigator.locks.query();
  const host = held.find(({ name }) => name === ENGINE_LOCK);
  if (!host && !pending.some(({ name }) => name === ENGINE_LOCK) && waitedMs >= NOBODY_MS) return refuse();
  await tellPages({ type: "need-engine" });
  if (host && waitedMs >= TAKE_OVER_MS && waitedMs % TAKE_OVER_MS === 0) await replace(host.clientId);
}

/** The page that holds the lock does not answer: it may be frozen. */
async function replace(hostId: string | undefined): Promise<void> {
  const others = (await pages()).filter(({ id }) => id !== hostId);
  const heir = others.find(({ visibilityState }) => visibilityState === "visible") ?? others[0];
  heir?.postMessage({ type: "take-over" } satisfies SwToPage);
}

export async function tellPages(message: SwToPage): Promise<void> {
  for (const page of await pages()) page.postMessage(message);
}

const pages = () => self.clients.matchAll({ type: "window", includeUncontrolled: true });

const NOBODY = new VaultError("engine-absent", "No page hosts the engine. Open MiniVault in a tab and try again.");
