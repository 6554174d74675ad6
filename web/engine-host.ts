import {
  type PageToEngine,
  type PageToSw,
  PROTOCOL_VERSION,
  STATUS_CHANNEL,
  type StatusMessage,
  type SwToPage,
} from "../core/protocol.ts";
import { holdLock } from "../core/web-lock.ts";

export interface HostOptions {
  /** Starts the engine's dedicated worker: a service worker cannot. */
  readonly createWorker: () => Worker;
  /** Where `minivault.config.json` and `models/` are. */
  readonly baseUrl: URL;
}

/**
 * Hosts the engine as soon as no other tab does. One tab at a time holds the lock, and the engine, for all tabs of
 * the origin; the lock passes on when that tab closes.
 */
export async function hostEngine({ createWorker, baseUrl }: HostOptions): Promise<void> {
  const aliveLock = `minivault-tab-${crypto.randomUUID()}`;
  await holdLock(aliveLock);
  await holdLock("minivault-engine");

  const worker = createWorker();
  worker.addEventListener("error", (event) => publishFailure(event.message));
  const tell = (message: PageToEngine, transfer: Transferable[] = []) => worker.postMessage(message, transfer);
  const connect = async () => {
    const { port1, port2 } = new MessageChannel();
    tell({ type: "attach", port: port1, host: "service-worker" }, [port1]);
    const message: PageToSw = { type: "engine-port", version: PROTOCOL_VERSION, port: port2, aliveLock };
    // Not `controller`: this page may be uncontrolled while it hosts the engine for others.
    (await navigator.serviceWorker.ready).active?.postMessage(message, [port2]);
  };

  tell({ type: "start", baseUrl: baseUrl.href, aliveLock });
  navigator.serviceWorker.addEventListener("message", ({ data }: MessageEvent<SwToPage>) => {
    if (data.type === "need-engine") void connect();
  });
  window.addEventListener("online", () => publish({ type: "ask-retry" }));
  await connect();
}

/** Says what a worker that cannot even start cannot say itself. */
function publishFailure(reason = "its script cannot be loaded"): void {
  const detail = `The engine's worker failed: ${reason}. Reload the page.`;
  publish({ type: "status", status: { state: "failed", error: { code: "engine-failed", detail } } });
}

function publish(message: StatusMessage): void {
  const channel = new BroadcastChannel(STATUS_CHANNEL);
  channel.postMessage(message);
  channel.close();
}
