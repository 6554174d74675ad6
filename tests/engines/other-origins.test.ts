import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { EngineDriver } from "./engine-driver.ts";
import { ENGINES } from "./engines.ts";
import { closedLogs, startSite, visit } from "./vault.ts";

/** The app is at `localhost`: a page of another port there is of its site, one at `127.0.0.1` is not. */
const HOSTS = ["localhost", "127.0.0.1"] as const;
type Where = { readonly engine: EngineDriver["name"]; readonly host: (typeof HOSTS)[number] };

const everywhere = () => true;
/** Nobody has clicked, so WebKitGTK opens none. */
const hasWindows = ({ engine }: Where) => engine !== "WebKitGTK";
/** What another site frames has a storage of its own, and so no service worker; WebKitGTK has that for each port. */
const sharesStorage = (where: Where) => where.host === "localhost" && hasWindows(where);

interface Way {
  readonly way: string;
  readonly endpoint: string;
  /** Whether the service worker hears of it, measured with one that answered. */
  readonly arrives: (where: Where) => boolean;
}

const STREAM = "GET /generate/stream/own";
/** Chromium fetches this once for each rule, or not at all, as it sees fit. */
const SPECULATION = "GET /v1/stream";

/** In a page each. */
const TRIED: readonly (readonly Way[])[] = [
  [{ way: "a form", endpoint: "POST /logs/vault", arrives: everywhere }],
  [{ way: "a form", endpoint: "POST /models/pull", arrives: everywhere }],
  [{ way: "a form that a server redirects", endpoint: "POST /generate", arrives: everywhere }],
  [{ way: "a link", endpoint: STREAM, arrives: everywhere }],
  [
    { way: "a form in a frame", endpoint: "POST /logs/vault", arrives: sharesStorage },
    { way: "a redirected form in a frame", endpoint: "POST /models/pull", arrives: sharesStorage },
    { way: "a frame", endpoint: STREAM, arrives: sharesStorage },
    { way: "speculation rules", endpoint: SPECULATION, arrives: () => false },
    { way: "all else", endpoint: "POST /generate", arrives: () => false },
    { way: "all else", endpoint: STREAM, arrives: () => false },
    // Last, since they hide this page.
    { way: "a form in a window", endpoint: "POST /generate", arrives: hasWindows },
    { way: "a window", endpoint: STREAM, arrives: hasWindows },
  ],
];

const script = readFileSync(new URL("hostile-page.js", import.meta.url), "utf8");
const hostile = createServer(({ url = "" }, response) => {
  const { pathname, searchParams } = new URL(url, "http://hostile");
  if (pathname === "/redirect") response.writeHead(307, { location: searchParams.get("to") ?? "" }).end();
  else response.setHeader("content-type", "text/html").end(`<!doctype html><body><script>${script}</script>`);
});
let hostilePort = 0;

beforeAll(async () => {
  await new Promise<void>((resolve) => hostile.listen(0, resolve));
  hostilePort = (hostile.address() as AddressInfo).port;
});
afterAll(() => {
  hostile.close();
  hostile.closeAllConnections();
});

declare const tried: Promise<void>;

test.each(ENGINES)("a page of another origin gets nothing done in $name", async ({ name, launch }) => {
  const site = await startSite();
  const browser = await launch();
  try {
    const tab = await visit(browser, site);
    const says = await tab.evaluate(async () => {
      const headers = { "x-request-id": "own", accept: "text/event-stream" };
      const body = JSON.stringify({ prompt: "Q: What is the capital of France?\nA:" });
      return (await fetch("/generate/stream", { method: "POST", headers, body })).text();
    });
    expect(says).toContain("[DONE]");

    const expected = ["POST /generate/stream"];
    const logged = async () => (await closedLogs(tab)).filter(({ endpoint }) => endpoint !== SPECULATION);
    for (const host of HOSTS) {
      for (const ways of TRIED) {
        const aims = ways.map(({ way, endpoint }) => [way, `${site.url}${endpoint.replace(/.* \//, "")}?conv_id=own`]);
        const fragment = encodeURIComponent(JSON.stringify(aims));
        const stranger = await browser.newTab(`http://${host}:${hostilePort}/#${fragment}`);
        if (ways.length > 1) await stranger.evaluate(() => tried); // the others leave their page
        const arriving = ways.filter(({ arrives }) => arrives({ engine: name, host }));
        expected.push(...arriving.map(({ endpoint }) => endpoint));
        await expect.poll(async () => (await logged()).length, { timeout: 60_000 }).toBe(expected.length);
        await stranger.close();
      }
    }

    expect((await logged()).map(({ endpoint }) => endpoint).toSorted()).toEqual(expected.toSorted());
    const [own, ...refused] = await closedLogs(tab);
    expect(own).toMatchObject({ finish_reason: "stop", error: null });
    for (const { error } of refused) expect(error).toMatchObject({ code: "cross-site", status: 403 });

    const { vault, files, headers, again } = await tab.evaluate(async () => {
      const answer = await fetch("/models");
      const { models } = (await answer.json()) as { models: { name: string; state: string }[] };
      return {
        vault: (await (await fetch("/logs/vault")).json()).state,
        files: models.find(({ name }) => name === "distilgpt2")?.state,
        headers: [...answer.headers],
        again: await new Promise((resolve) => {
          const source = new EventSource("/generate/stream/own");
          source.onerror = () => resolve("error");
          source.onmessage = ({ data }) => {
            source.close();
            resolve(JSON.parse(data).token);
          };
        }),
      };
    });
    expect({ vault, files, again }).toEqual({ vault: "none", files: "remote", again: " P" });
    expect(Object.fromEntries(headers)).toMatchObject({ "x-content-type-options": "nosniff" });
  } finally {
    await browser.close();
    await site.close();
  }
});
