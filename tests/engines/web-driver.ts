import type { RawTab } from "./engine-driver.ts";

/**
 * As much of WebDriver as `webkit.ts` needs: https://www.w3.org/TR/webdriver2/
 * A session has one current window, so its commands go one after the other, each with the window that it is for.
 */
export interface WebDriverSession {
  readonly browserVersion: string;
  newWindow(): Promise<WebDriverWindow>;
  end(): Promise<void>;
}

interface WebDriverWindow extends RawTab {
  navigate(url: string): Promise<void>;
}

/** Longer than any test, which has a limit of its own. */
const SCRIPT_MS = 300_000;

export async function startSession(server: string, capabilities: object): Promise<WebDriverSession> {
  const { sessionId, capabilities: actual } = await command<{
    sessionId: string;
    capabilities: { browserVersion: string };
  }>(server, "POST", "/session", {
    capabilities: { alwaysMatch: { ...capabilities, timeouts: { script: SCRIPT_MS } } },
  });
  const call = <T>(method: Method, path: string, body?: object) =>
    command<T>(server, method, `/session/${sessionId}${path}`, body);

  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(task: () => Promise<T>): Promise<T> => {
    const turn = last.then(task);
    last = turn.catch(() => {});
    return turn;
  };

  const windowOf = (handle: string): WebDriverWindow => {
    const here = <T>(method: Method, path: string, body?: object) =>
      inTurn(async () => {
        await call("POST", "/window", { handle });
        return call<T>(method, path, body);
      });
    return {
      navigate: (url) => here("POST", "/url", { url }),
      reload: () => here("POST", "/refresh", {}),
      async expression(source) {
        const outcome = await here<{ value?: unknown; error?: string }>("POST", "/execute/async", {
          script: `const done = arguments[arguments.length - 1];
            Promise.resolve().then(() => ${source}).then(
              (value) => done({ value }),
              (error) => done({ error: String(error) + "\\n" + error?.stack }),
            );`,
          args: [],
        });
        if (outcome.error !== undefined) throw new Error(outcome.error);
        return outcome.value;
      },
      close: () => here("DELETE", "/window"),
    };
  };

  // A window is opened from another one: the first stays.
  const first = await call<string>("GET", "/window");
  return {
    browserVersion: actual.browserVersion,
    newWindow: () =>
      inTurn(async () => {
        await call("POST", "/window", { handle: first });
        const { handle } = await call<{ handle: string }>("POST", "/window/new", { type: "tab" });
        return windowOf(handle);
      }),
    end: () => inTurn(() => call("DELETE", "")),
  };
}

type Method = "GET" | "POST" | "DELETE";

async function command<T>(server: string, method: Method, path: string, body?: object): Promise<T> {
  const response = await fetch(server + path, { method, ...(body && { body: JSON.stringify(body) }) });
  const { value } = (await response.json()) as { value: T & { error?: string; message?: string } };
  if (!response.ok) throw new Error(`WebDriver ${method} ${path}: ${value.error}: ${value.message}`);
  return value;
}
