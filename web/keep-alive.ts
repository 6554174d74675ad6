/** Shorter than the 30 s after which Firefox stops a service worker that no event has reached. */
const PING_MS = 10_000;

/**
 * Requests that keep the service worker running while it streams answers: Firefox stops it in mid-answer without
 * them. One loop at a time; it ends by the answer 205, or when two requests in a row are not answered.
 */
export function createKeepAlive(pingUrl: URL) {
  let running: AbortController | undefined;

  const run = async (signal: AbortSignal) => {
    for (let failures = 0; failures < 2 && !signal.aborted; await sleep(PING_MS, signal)) {
      const status = await ping(pingUrl, signal);
      if (status === 205) return;
      failures = status === 204 ? 0 : failures + 1;
    }
  };

  return {
    start() {
      if (running) return;
      const mine = new AbortController();
      running = mine;
      void run(mine.signal).finally(() => {
        if (running === mine) running = undefined;
      });
    },
    stop() {
      running?.abort();
      running = undefined;
    },
  };
}

/** Anything but 204 and 205 comes from another than the service worker. */
async function ping(url: URL, signal: AbortSignal): Promise<number> {
  try {
    return (await fetch(url, { cache: "no-store", signal })).status;
  } catch {
    return 0;
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
