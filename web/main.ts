import { isolateOnce } from "./isolation.ts";
import { focusExisting } from "./launch.ts";
import { startVault } from "./lib.ts";
import "./ui/vault-app.ts";

const baseUrl = new URL("./", location.href);

focusExisting();
/** The component shows what comes of this; it also waits for it before the first request. */
document.querySelector("vault-app")?.start(
  isolateOnce(
    startVault({
      baseUrl,
      serviceWorkerUrl: new URL("sw.js", baseUrl),
      createWorker: () => new Worker(new URL("../engine/worker.ts", import.meta.url), { type: "module" }),
    }),
  ),
);
