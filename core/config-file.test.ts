import { expect, test } from "vitest";
import { DEFAULT_CONFIG } from "./config.ts";
import { configFile, parseConfigFile } from "./config-file.ts";

const GOOD = '{"log": {"level": "metadata"}}';
const PAGE = "<!doctype html><title>MiniVault</title>";
const html = { headers: { "content-type": "text/html; charset=utf-8" } };

/** A site whose server answers so, now or when it is told to; and what the browser keeps of it. */
function site(answer: () => Response | Promise<Response>, keptText: string | null = null) {
  let text = keptText;
  const cache = {
    match: async () => (text === null ? undefined : new Response(text)),
    put: async (_: unknown, response: Response) => {
      text = await response.text();
    },
  };
  const fetchFile = async () => answer();
  return { kept: () => text, file: configFile("http://x/", { fetchFile, openCache: async () => cache, waitMs: 20 }) };
}

const redirected = (response: Response): Response => Object.defineProperty(response, "redirected", { value: true });

const SAYS_ABSENT: readonly [how: string, answer: () => Response][] = [
  ["404", () => new Response("Not found", { status: 404 })],
  ["404 with a page", () => new Response(PAGE, { status: 404, ...html })],
  ["403", () => new Response("AccessDenied", { status: 403 })],
  ["410", () => new Response(null, { status: 410 })],
  ["its page and status 200", () => new Response(PAGE, html)],
  [
    "its page and status 200, as JSON",
    () => new Response(`\n${PAGE}`, { headers: { "content-type": "application/json" } }),
  ],
  ["a text that is said to be a page", () => new Response("Nothing here.", html)],
];

const SAYS_NOTHING: readonly [how: string, answer: () => Response | Promise<Response>][] = [
  ["is out of reach", () => Promise.reject(new TypeError("Failed to fetch"))],
  ["never answers", () => new Promise(() => {})],
  ["never ends its answer", () => new Response(new ReadableStream({}))],
  ["breaks off", () => new Response(new ReadableStream({ start: (body) => body.error(new Error("cut")) }))],
  ["fails with 500", () => new Response("{}", { status: 500 })],
  ["is away with 503", () => new Response(PAGE, { status: 503, ...html })],
  ["wants us to slow down", () => new Response(null, { status: 429 })],
  ["asks who we are", () => new Response(null, { status: 401 })],
  ["sends us to a page to sign in", () => redirected(new Response(PAGE, html))],
];

test.each(SAYS_ABSENT)(
  "a site that says %s has no configuration: the defaults hold, whatever was kept",
  async (_, answer) => {
    const { file, kept } = site(answer, GOOD);
    expect(parseConfigFile(await file.read())).toEqual(DEFAULT_CONFIG);
    await expect.poll(() => parseConfigFile(kept()!)).toEqual(DEFAULT_CONFIG);
  },
);

test.each(SAYS_NOTHING)("where the server %s, what it said last holds, and stays", async (_, answer) => {
  const { file, kept } = site(answer, GOOD);
  expect(parseConfigFile(await file.read()).log.level).toBe("metadata");
  expect(kept()).toBe(GOOD);
});

test.each(SAYS_NOTHING)(
  "where the server %s and nothing was kept, the defaults hold, and are not kept",
  async (_, answer) => {
    const { file, kept } = site(answer);
    expect(parseConfigFile(await file.read())).toEqual(DEFAULT_CONFIG);
    expect(kept()).toBeNull();
  },
);

test.each(["application/json", "text/plain", "application/octet-stream", "text/html"])(
  "a file that is there is read and kept, also as %s",
  async (type) => {
    const { file, kept } = site(() => new Response(GOOD, { headers: { "content-type": type } }));
    expect(parseConfigFile(await file.read()).log.level).toBe("metadata");
    await expect.poll(kept).toBe(GOOD);
  },
);

test("a file with a byte order mark is read", async () => {
  const { file } = site(() => new Response(`\uFEFF${GOOD}`));
  expect(parseConfigFile(await file.read()).log.level).toBe("metadata");
});

test("a file that comes too late is kept for the next time", async () => {
  let arrive!: (response: Response) => void;
  const late = new Promise<Response>((resolve) => {
    arrive = resolve;
  });
  const { file, kept } = site(() => late);
  expect(parseConfigFile(await file.read())).toEqual(DEFAULT_CONFIG);
  arrive(new Response(GOOD));
  await expect.poll(kept).toBe(GOOD);
});

test("where nothing can be kept, the file is read all the same", async () => {
  const denied = () => Promise.reject(new DOMException("no", "SecurityError"));
  for (const openCache of [denied, async () => null]) {
    const file = configFile("http://x/", { fetchFile: async () => new Response(GOOD), openCache });
    expect(await file.read()).toBe(GOOD);
    expect(await file.kept()).toBeNull();
  }
});

test.each([
  ["", /is not JSON/],
  ["{", /is not JSON/],
  ["Not found", /is not JSON/],
  ["[]", /is wrong at its root/],
  ["null", /is wrong at its root/],
  ['{"log": {"level": "some"}}', /is wrong at log.level/],
])("%j is wrong, and said to be", (text, words) => {
  expect(() => parseConfigFile(text)).toThrow(expect.objectContaining({ code: "bad-config" }));
  expect(() => parseConfigFile(text)).toThrow(words);
});

test("what a version before kept of a host that answers with its page counts as no file", () => {
  expect(parseConfigFile(PAGE)).toEqual(DEFAULT_CONFIG);
});
