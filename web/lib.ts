import { hostEngine } from "./engine-host.ts";
import type { WorkerOptions } from "./engine-worker.ts";
import { registerServiceWorker } from "./register-sw.ts";

export interface VaultOptions extends WorkerOptions {
  /** A script that calls `installVault()`; its folder is the scope. */
  readonly serviceWorkerUrl: URL;
}

/** After it, `fetch("/generate", …)` is answered on this origin. Rejects with a `VaultError` that says why it cannot. */
export async function startVault({ serviceWorkerUrl, ...host }: VaultOptions): Promise<void> {
  await registerServiceWorker(serviceWorkerUrl);
  hostEngine(host);
}
