// What only a service worker can see of its engine.
addEventListener("install", () => skipWaiting());
addEventListener("message", ({ ports }) => ports[0].postMessage("addRoutes" in (self.InstallEvent?.prototype ?? {})));
