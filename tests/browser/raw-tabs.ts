import type { Browser, CDPSession } from "playwright/test";

/** A tab that only the DevTools protocol drives. Opening one, or bringing it to the front, hides the others. */
export interface RawTab {
  evaluate<T>(code: () => T | Promise<T>): Promise<T>;
  send(method: string, params?: object): Promise<unknown>;
  close(): Promise<void>;
}

/**
 * Tabs in a profile that Playwright does not know of. It emulates focus in all of its own pages, which are so never
 * hidden and cannot be frozen. https://github.com/microsoft/playwright/issues/2286
 */
export async function openRawProfile(browser: Browser) {
  const devtools = await browser.newBrowserCDPSession();
  const { browserContextId } = await devtools.send("Target.createBrowserContext");
  return {
    async open(url: string): Promise<RawTab> {
      const { targetId } = await devtools.send("Target.createTarget", { url, browserContextId });
      const { sessionId } = await devtools.send("Target.attachToTarget", { targetId, flatten: false });
      const send = sender(devtools, sessionId);
      return {
        send,
        async evaluate<T>(code: () => T | Promise<T>) {
          const { result, exceptionDetails } = (await send("Runtime.evaluate", {
            expression: `(${code})()`,
            awaitPromise: true,
            returnByValue: true,
          })) as { result: { value: T }; exceptionDetails?: object };
          if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
          return result.value;
        },
        close: () => devtools.send("Target.closeTarget", { targetId }).then(() => {}),
      };
    },
    close: () => devtools.send("Target.disposeBrowserContext", { browserContextId }),
  };
}

/** Commands and answers to one target, wrapped in those of the browser's session. */
function sender(devtools: CDPSession, sessionId: string) {
  const waiting = new Map<number, (answer: { result?: unknown; error?: { message: string } }) => void>();
  let lastId = 0;
  devtools.on("Target.receivedMessageFromTarget", (event) => {
    if (event.sessionId !== sessionId) return;
    const answer = JSON.parse(event.message);
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });
  return (method: string, params: object = {}): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const id = ++lastId;
      waiting.set(id, ({ result, error }) => (error ? reject(new Error(error.message)) : resolve(result)));
      void devtools.send("Target.sendMessageToTarget", {
        sessionId,
        message: JSON.stringify({ id, method, params }),
      });
    });
}
