import { DEFAULT_CONFIG, parseConfig, type VaultConfig } from "./config.ts";
import { VaultError } from "./errors.ts";
import { within } from "./within.ts";

/** `minivault.config.json` of a site. */
export interface ConfigFile {
  /** What the server says within a second, else what it said last, else the text of no file. Never rejects. */
  read(): Promise<string>;
  /** What it said last; `null`: nothing that was kept. Never rejects. */
  kept(): Promise<string | null>;
}

interface ConfigFileOptions {
  readonly fetchFile?: typeof fetch;
  /** Where it is kept; `null`: nowhere. */
  readonly openCache?: () => Promise<Pick<Cache, "match" | "put"> | null>;
  readonly waitMs?: number;
}

/** Many hosts have their own way to say so: a storage bucket that may not be listed says 403. */
const ABSENT = [403, 404, 410];
const NO_FILE = "{}";

/**
 * Each realm of a browser reads and keeps the same file. What does not say whether there is one (no answer, a 5xx, a
 * page to sign in) leaves what was kept as it is: a site that wants less logged is not logged in full since its file was
 * out of reach. What comes too late is kept for the next time.
 */
export function configFile(baseUrl: string | URL, options: ConfigFileOptions = {}): ConfigFile {
  const { fetchFile = fetch, openCache = openSiteCache, waitMs = 1_000 } = options;
  const url = new URL("minivault.config.json", baseUrl).href;

  const ask = async (): Promise<string> => {
    const response = await fetchFile(url, { cache: "no-cache" });
    if (ABSENT.includes(response.status)) return NO_FILE;
    if (response.status !== 200) throw new Error(`status ${response.status}`);
    const text = await response.text();
    if (!isPage(response, text)) return text;
    if (response.redirected) throw new Error("another page");
    return NO_FILE;
  };

  const keep = async (text: string): Promise<void> => {
    await (await openCache())?.put(url, new Response(text, { headers: { "content-type": "application/json" } }));
  };

  const kept = async (): Promise<string | null> => {
    try {
      const response = await (await openCache())?.match(url);
      return (await response?.text()) ?? null;
    } catch {
      return null;
    }
  };

  return {
    kept,
    async read() {
      const asked = ask();
      asked.then(keep).catch(() => {}); // the next visit keeps it
      try {
        return await within(asked, waitMs, async () => new Error("late"));
      } catch {
        return (await kept()) ?? NO_FILE;
      }
    },
  };
}

/** Throws `bad-config`. */
export function parseConfigFile(text: string): VaultConfig {
  if (/^\s*</.test(text)) return DEFAULT_CONFIG; // versions before kept the page of a host that has no file
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new VaultError("bad-config", "minivault.config.json is not JSON. Mend it and reload the page.", { cause });
  }
  return parseConfig(Array.isArray(json) ? null : json);
}

/** Of a host that answers with it for whatever is not there. */
const isPage = ({ headers }: Response, text: string): boolean =>
  /^\s*</.test(text) || (/html/.test(headers.get("content-type") ?? "") && !/^\s*\{/.test(text));

/** An insecure context has no caches, nor has Node. */
const openSiteCache = async (): Promise<Cache | null> =>
  "caches" in globalThis ? caches.open("minivault-config") : null;
