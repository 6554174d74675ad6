import { createApi } from "../core/api.ts";
import { configFile } from "../core/config-file.ts";
import type { LogSink } from "../core/log/log-record.ts";
import type { Retention } from "../core/log/retention.ts";
import { LOG_CHANNEL, type LogMessage } from "../core/protocol.ts";
import { rulesOf } from "../core/site-rules.ts";
import { createMemoryLog } from "../logs-export/memory-log.ts";
import { openLogStore } from "../logs-export/store.ts";
import type { EngineHost } from "./engine-host.ts";
import { linkToOwnWorker } from "./page-engine.ts";
import type { Answer } from "./page-fetch.ts";

export interface InPageOptions {
  readonly host: EngineHost;
  /** Where the routes start. */
  readonly base: URL;
  /** Where `minivault.config.json` is. */
  readonly baseUrl: URL;
}

export interface InPage {
  readonly answer: Answer;
  /** Rejects with a `VaultError` if this page cannot have an engine. */
  readonly connected: Promise<void>;
}

/** The same handler as the service worker's, for a page that none controls. Imported only where it is needed. */
export async function createInPage({ host, base, baseUrl }: InPageOptions): Promise<InPage> {
  const engine = linkToOwnWorker(host);
  const connected = engine.connect();
  connected.catch(() => {}); // whoever waits for it hears of it, and so does each request
  const rules = configFile(baseUrl).read().then(rulesOf);
  const log = await openLog(async () => (await rules).retention);
  const answer = createApi({
    engine,
    log,
    basePath: base.pathname,
    host: "page",
    rules: () => rules,
  });
  return { answer, connected };
}

/** In memory where the browser refuses to store anything. */
async function openLog(retention: () => Promise<Retention>): Promise<LogSink> {
  const stored = openLogStore({ retention });
  try {
    await stored.totals();
    return stored;
  } catch {
    const channel = new BroadcastChannel(LOG_CHANNEL);
    return createMemoryLog(() => channel.postMessage({ type: "changed" } satisfies LogMessage));
  }
}
