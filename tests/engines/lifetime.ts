import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DIST } from "../browser/site-folders.ts";
import type { EngineDriver } from "./engine-driver.ts";
import { openUnattended } from "./unattended.ts";
import { startSite } from "./vault.ts";

const SCRIPT = fileURLToPath(new URL("lifetime-page.js", import.meta.url));
/** To start, to load, and to notice that nothing comes any more. */
const PATIENCE_MS = 120_000;

export interface Lifetime {
  /** `done`; `cut` if the stream ended before its end; else the error that the page saw. */
  readonly outcome: string;
  readonly events: number;
  readonly seconds: number;
  readonly longestGap: number;
}

/** How a stream of one token a second fares that is to last this long, in a browser that is left alone. */
export async function measureLifetime(name: EngineDriver["name"], seconds: number): Promise<Lifetime> {
  const site = await startSite({ fakeEngine: true, beside: [SCRIPT, lifetimePage()] });
  const reported = new Promise<Lifetime>((resolve, reject) => {
    site.httpServer.on("request", ({ url = "" }) => {
      const [path, report] = url.split("?");
      if (path === "/lifetime-report.txt") resolve(JSON.parse(decodeURIComponent(report ?? "")) as Lifetime);
    });
    const late = new Error(`${name} has not reported.`);
    setTimeout(() => reject(late), seconds * 1000 + PATIENCE_MS).unref();
  });
  const end = await openUnattended(name, `${site.url}lifetime.html?tokens=${seconds}`);
  try {
    return await reported;
  } finally {
    await end();
    await site.close();
  }
}

/** The app's page with one script more. */
function lifetimePage(): string {
  const file = join(fileURLToPath(new URL("../../test-results/", import.meta.url)), "lifetime.html");
  const page = readFileSync(join(DIST, "index.html"), "utf8");
  writeFileSync(file, page.replace("</head>", '<script type="module" src="lifetime-page.js"></script></head>'));
  return file;
}
