import { isForeignFrame, showLinkToTab } from "./foreign-frame.ts";
import { isolateOnce } from "./isolation.ts";
import { focusExisting } from "./launch.ts";
import { startVault } from "./lib.ts";
import "./ui/vault-app.ts";

const baseUrl = new URL("./", location.href);

function start(): void {
  focusExisting();

  const vault = startVault({
    baseUrl,
    serviceWorkerUrl: new URL("sw.js", baseUrl),
    wholeOrigin: true,
    createWorker: () => new Worker(new URL("../engine/worker.ts", import.meta.url), { type: "module" }),
  });
  const isolated = isolateOnce(vault.ready()).catch(() => {}); // the component asks for itself whether it is ready
  document.querySelector("vault-app")?.start(vault, isolated);
}

if (isForeignFrame()) showLinkToTab();
else start();
