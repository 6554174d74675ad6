import { type Browser, type CDPSession, CDPSessionEvent, type Protocol } from "puppeteer-core";

/**
 * Tells what nobody caught in service workers, and in workers that workers have started: Puppeteer itself knows of pages
 * and of their own workers only.
 */
export function watchWorkers(browser: Browser, onError: (error: string) => void): void {
  const listen = (client: CDPSession, name: string) => {
    client.on("Runtime.exceptionThrown", ({ exceptionDetails }) => {
      const error = sentence(exceptionDetails);
      if (!NOT_INSTALLED.test(error)) onError(`${name}: ${error}`);
    });
    client.send("Runtime.enable").catch(() => {}); // it is gone
  };
  browser.on("targetcreated", async (target) => {
    if (target.type() === "service_worker") {
      const worker = await target.worker().catch(() => null);
      if (worker) listen(worker.client, "service worker");
    }
    const page = target.type() === "page" ? await target.page().catch(() => null) : null;
    page?.on("workercreated", ({ client }) => {
      client.on(CDPSessionEvent.SessionAttached, (session) => listen(session, "worker of a worker"));
      const auto = { autoAttach: true, waitForDebuggerOnStart: false, flatten: true };
      client.send("Target.setAutoAttach", auto).catch(() => {}); // it is gone
    });
  });
}

/** A version that is found just before the server is stopped is not installed, and so not taken either. */
const NOT_INSTALLED = /^bad-precaching-response|_handleInstall/;

const sentence = ({ exception, text }: Protocol.Runtime.ExceptionDetails): string => exception?.description ?? text;
