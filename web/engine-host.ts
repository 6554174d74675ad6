import type { VaultError } from "../core/errors.ts";
import {
  type EngineStatus,
  type PageToSw,
  PING_PATH,
  PROTOCOL_VERSION,
  STATUS_CHANNEL,
  type StatusMessage,
  type SwToPage,
} from "../core/protocol.ts";
import { superviseWorker, type WorkerOptions } from "./engine-worker.ts";
import { createKeepAlive } from "./keep-alive.ts";
import { seekLeadership } from "./leadership.ts";
import { serviceWorkers } from "./register-sw.ts";

/** The page's own handler, which answers where no service worker does. */
interface OwnHandler {
  offer(port: MessagePort, version: number, aliveLock: string): void;
  refuse(error: VaultError): void;
  /** The engine that was offered is gone. */
  lost(): void;
}

export interface EngineHost {
  /** Asks for an engine in this page, whichever page leads. It comes by `offer`, or an error by `refuse`. */
  requestPort(): void;
  reportStuck(aliveLock: string): void;
  serve(handler: OwnHandler): void;
}

/** Hosts the engine for all pages of the origin while this one leads, and for this page's own handler if it has one. */
export function hostEngine(options: WorkerOptions): EngineHost {
  let leading = false;
  let own: OwnHandler | undefined;
  let ownWaits = false;
  const keepAlive = createKeepAlive(new URL(PING_PATH, options.baseUrl));

  const offerToServiceWorker = async () => {
    const active = await activeServiceWorker();
    const { aliveLock } = worker;
    if (!active || !leading || !aliveLock) return;
    const { port1, port2 } = new MessageChannel();
    worker.attach(port1, "service-worker");
    const message: PageToSw = { type: "engine-port", version: PROTOCOL_VERSION, port: port2, aliveLock };
    active.postMessage(message, [port2]);
  };

  const refuseServiceWorker = async (error: VaultError) => {
    const active = await activeServiceWorker();
    const message: PageToSw = { type: "engine-failed", version: PROTOCOL_VERSION, error: error.toWire() };
    if (leading) active?.postMessage(message);
  };

  const offerToOwn = () => {
    const { aliveLock } = worker;
    if (!own || !ownWaits || !aliveLock) return;
    ownWaits = false;
    const { port1, port2 } = new MessageChannel();
    worker.attach(port1, "page");
    own.offer(port2, PROTOCOL_VERSION, aliveLock);
  };

  const worker = superviseWorker(options, {
    onAlive() {
      if (leading) void offerToServiceWorker();
      offerToOwn();
    },
    onGone: () => own?.lost(),
    onFailed(error) {
      publishFailure(error);
      void refuseServiceWorker(error);
      if (ownWaits) own?.refuse(error);
      ownWaits = false;
    },
  });

  const leadership = seekLeadership({
    lead() {
      leading = true;
      if (worker.aliveLock) void offerToServiceWorker();
      else if (worker.failure) void refuseServiceWorker(worker.failure);
      else worker.start();
    },
    resign() {
      leading = false;
      keepAlive.stop();
      worker.stop();
    },
  });

  serviceWorkers()?.addEventListener("message", ({ data }: MessageEvent<SwToPage | null>) => {
    if (data?.type === "take-over") leadership.takeOver();
    if (!leading || !data) return;
    if (data.type === "engine-stuck") worker.replace(data.aliveLock);
    if (data.type === "keep-alive") keepAlive.start();
    if (data.type !== "need-engine") return;
    if (worker.failure) void refuseServiceWorker(worker.failure);
    else void offerToServiceWorker(); // or, if it is not alive yet, as soon as it is
  });
  window.addEventListener("online", () => {
    if (worker.aliveLock) publish({ type: "ask-retry" });
  });

  return {
    requestPort() {
      ownWaits = true;
      if (!worker.failure) worker.start();
      else own?.refuse(worker.failure);
      offerToOwn();
    },
    reportStuck: (aliveLock) => worker.replace(aliveLock),
    serve(handler) {
      own = handler;
    },
  };
}

/** Not `controller`: this page may be uncontrolled while it hosts the engine for others. */
async function activeServiceWorker(): Promise<ServiceWorker | null> {
  return (await serviceWorkers()?.ready)?.active ?? null;
}

/** Says what a worker that cannot even start cannot say itself. */
function publishFailure(error: VaultError): void {
  const status: EngineStatus = { state: "failed", error: error.toWire() };
  publish({ type: "status", status });
}

function publish(message: StatusMessage): void {
  const channel = new BroadcastChannel(STATUS_CHANNEL);
  channel.postMessage(message);
  channel.close();
}
