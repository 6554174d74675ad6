import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { findWebKit } from "../find-browsers.ts";
import { openDisplay } from "./display.ts";
import { type EngineDriver, tabOf } from "./engine-driver.ts";
import { endProcess } from "./processes.ts";
import { startSession, type WebDriverSession } from "./web-driver.ts";

/** The driver opens its port a moment after it has started. */
const START_MS = 20_000;

/**
 * By WebDriver. An automated MiniBrowser always has an ephemeral profile, so nothing is there after a `restart()`. A
 * window that the driver opens is hidden, as the tabs behind the front one are.
 */
export const WEBKIT: EngineDriver = {
  name: "WebKitGTK",
  keepsProfile: false,
  async launch() {
    let { session, end } = await start();
    return {
      version: session.browserVersion,
      async newTab(url) {
        const window = await session.newWindow();
        await window.navigate(url);
        return tabOf(window);
      },
      async restart() {
        await end();
        ({ session, end } = await start());
      },
      close: () => end(),
    };
  },
};

async function start() {
  const { driver, miniBrowser } = findWebKit();
  const display = await openDisplay();
  const port = await freePort();
  const server = spawn(driver, [`--port=${port}`], {
    stdio: "ignore",
    // Root, as containers are, cannot be put into the sandbox.
    env: { ...process.env, DISPLAY: display.name, WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1" },
  });
  const session = await sessionSoon(`http://127.0.0.1:${port}`, {
    "webkitgtk:browserOptions": { binary: miniBrowser, args: ["--automation"] },
  });
  const end = async () => {
    await session.end();
    await endProcess(server);
    await display.close();
  };
  return { session, end };
}

async function sessionSoon(server: string, capabilities: object): Promise<WebDriverSession> {
  const until = Date.now() + START_MS;
  for (;;) {
    try {
      return await startSession(server, capabilities);
    } catch (cause) {
      const refused = cause instanceof TypeError; // of `fetch`: nobody listens yet
      if (!refused || Date.now() > until) throw cause;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("The system gave no port.");
  return address.port;
}
