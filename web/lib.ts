import { type HostOptions, hostEngine } from "./engine-host.ts";
import { registerServiceWorker } from "./register-sw.ts";

export interface VaultOptions extends HostOptions {
  /** A script that calls `installVault()`; its folder is the scope. */
  readonly serviceWorkerUrl: URL;
}

/** After it, `fetch("/generate", …)` is answered on this origin. Rejects with a `VaultError` that says why it cannot. */
export async function startVault({ serviceWorkerUrl, ...host }: VaultOptions): Promise<void> {
  await registerServiceWorker(serviceWorkerUrl);
  void hostEngine(host); // settles only in the tab whose turn it is to host
}
