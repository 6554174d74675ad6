import fc from "fast-check";
import { expect, test } from "vitest";
import { createMemoryLog } from "../logs-export/memory-log.ts";
import { createFakeModel } from "../tests/fixtures/fake-model.ts";
import { engineOf } from "../tests/fixtures/fixed-sources.ts";
import { createApi } from "./api.ts";
import { isOwnScript } from "./cross-site.ts";
import { DIALECTS } from "./routing.ts";

type Seen = Partial<Pick<Request, "mode" | "destination" | "method" | "url">> & { headers?: Record<string, string> };

/** As a host shows it: no script can make a navigation. */
function asked({ url = "http://x/logs", method = "GET", headers = {}, ...seen }: Seen): Request {
  const body = method === "GET" || method === "HEAD" ? null : '{"prompt":"a","model":"fake","passphrase":"theirs"}';
  const request = new Request(url, { method, headers, body });
  for (const [name, value] of Object.entries(seen)) Object.defineProperty(request, name, { value });
  return request;
}

const OWN: Seen[] = [
  {},
  { mode: "same-origin" },
  { mode: "no-cors" },
  { headers: { origin: "http://x" } },
  { headers: { "sec-fetch-site": "same-origin", "sec-fetch-dest": "empty", "sec-fetch-mode": "cors" } },
  // https://fetch.spec.whatwg.org/#append-a-request-origin-header: of a page that tells no referrer
  { mode: "same-origin", headers: { "sec-fetch-site": "same-origin", origin: "null" } },
];

const STRANGERS: { readonly [who: string]: Seen } = {
  "a form or a link": { mode: "navigate", destination: "document" },
  "a form in a frame": { mode: "navigate", destination: "iframe" },
  "an image": { mode: "no-cors", destination: "image" },
  "a script": { mode: "no-cors", destination: "script" },
  "a form, as a server sees it": { headers: { "sec-fetch-site": "same-origin", "sec-fetch-dest": "document" } },
  "another site": { headers: { "sec-fetch-site": "cross-site", "sec-fetch-dest": "empty" } },
  "another port": { headers: { "sec-fetch-site": "same-site", "sec-fetch-dest": "empty" } },
  "another origin": { headers: { origin: "http://x:8080" } },
  "another scheme": { headers: { origin: "https://x" } },
  "nobody knows whom": { headers: { origin: "null" } },
};

test.each(OWN)("a script of the same origin is known: %j", (seen) => {
  expect(isOwnScript(asked({ ...seen, method: "POST" }))).toBe(true);
});
test.each(Object.entries(STRANGERS))("%s is no script of the same origin", (_, seen) => {
  expect(isOwnScript(asked(seen))).toBe(false);
});

test("whatever else a request says, it is no own script if one of these tells otherwise", () => {
  const seen = {
    mode: fc.constantFrom<RequestMode>("navigate", "cors", "no-cors", "same-origin"),
    destination: fc.constantFrom<RequestDestination>("", "document", "iframe", "embed", "object", "image", "report"),
    site: fc.constantFrom(undefined, "same-origin", "none", "same-site", "cross-site", "of-the-future"),
    dest: fc.constantFrom(undefined, "empty", "document", "of-the-future"),
    origin: fc.constantFrom(undefined, "http://x", "http://y", "http://x:1", "null", ""),
  };
  fc.assert(
    fc.property(fc.record(seen), ({ mode, destination, site, dest, origin }) => {
      const headers = Object.entries({ "sec-fetch-site": site, "sec-fetch-dest": dest, origin });
      const known = Object.fromEntries(headers.filter(([, value]) => value !== undefined)) as Record<string, string>;
      const isOwn = isOwnScript(asked({ mode, destination, headers: known }));
      const isElement = mode === "navigate" || destination !== "" || (dest ?? "empty") !== "empty";
      const isForeign = site ? !["same-origin", "none"].includes(site) : ![undefined, "http://x"].includes(origin);
      expect(isOwn).toBe(!isElement && !isForeign);
    }),
    { numRuns: 1000 },
  );
});

function setUp(now = Date.now) {
  const log = createMemoryLog();
  let calls = 0;
  const local = engineOf({ name: "fake", load: async () => createFakeModel() });
  const engine = Object.fromEntries(
    Object.entries(local).map(([name, ask]) => [
      name,
      (...given: never[]) => {
        calls++;
        return (ask as (...given: never[]) => unknown)(...given);
      },
    ]),
  ) as unknown as typeof local;
  return { log, handle: createApi({ engine, log, now }), calls: () => calls };
}

const DOING = DIALECTS.flatMap(({ routes }) => routes)
  .filter(({ method }) => method !== "GET")
  .map(({ method, path }) => `${method} ${path.replace(/:\w+(\{[^/]*\})?/, "a-record-of-the-log")}`);

test.each([...DOING, "POST /nothing", "POST /", "GET /generate/stream/a-stream", "GET /v1/stream?conv_id=a"])(
  "no stranger is served %s: 403 cross-site, nothing is done, and the log says so",
  async (endpoint) => {
    const { log, handle, calls } = setUp();
    const [method = "", path = ""] = endpoint.split(" ");
    for (const seen of Object.values(STRANGERS)) {
      const request = asked({ ...seen, method, url: `http://x${path}` });
      const response = await handle(request);
      expect(response.status).toBe(403);
      expect(await response.text()).toContain("fetch()");
      expect(request.bodyUsed).toBe(false);
    }
    expect(calls()).toBe(0);
    const told = { finish_reason: "error", prompt: null, error: { code: "cross-site", status: 403 } };
    expect(log.records).toMatchObject(Object.values(STRANGERS).map(() => told));
  },
);

test("what only reads is answered for a link", async () => {
  const { handle } = setUp();
  for (const path of ["/logs", "/health", "/logs/export", "/models", "/logs/vault"]) {
    const { status } = await handle(asked({ mode: "navigate", destination: "document", url: `http://x${path}` }));
    expect([path, status]).toEqual([path, expect.toSatisfy((status) => [200, 503].includes(status))]);
  }
});

test("however often another site fails, and with however long an address, the log stays small; all of it is counted", async () => {
  const { log, handle } = setUp(() => 1_000_000);
  const long = "x".repeat(100_000);
  for (let n = 0; n < 300; n++) {
    const method = n % 2 ? "POST" : "GET";
    await handle(asked({ mode: "navigate", destination: "document", method, url: `http://x/logs/${long}` }));
  }
  expect(log.records).toHaveLength(100);
  expect(JSON.stringify(log.records).length).toBeLessThan(400_000);
  expect((await log.totals()).requests.reduce((sum, { count }) => sum + count, 0)).toBe(300);
  await handle(asked({ method: "POST", url: "http://x/nothing" }));
  expect(log.records).toHaveLength(101);
});

test("every answer is contained: nobody embeds it, and a browser neither guesses its type nor runs it", async () => {
  const { handle } = setUp();
  const requests = [
    asked({}),
    asked({ url: "http://x/health" }),
    asked({ url: "http://x/nothing" }),
    asked({ url: "http://x/generate", method: "OPTIONS" }),
    asked({ url: "http://x/generate", method: "POST" }),
    asked({ url: "http://x/generate/stream", method: "POST" }),
    asked({ url: "http://x/generate", method: "POST", mode: "navigate" }),
    asked({ url: "http://x/logs/a-record-of-the-log", method: "DELETE" }),
  ];
  for (const request of requests) {
    const { headers } = await handle(request);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("content-security-policy")).toMatch(/default-src 'none'.*frame-ancestors 'none'.*sandbox/);
    expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
  }
});

test("a link to a stream neither ends whoever reads it, nor asks the model again", async () => {
  const { log, handle, calls } = setUp();
  const stream = asked({ url: "http://x/generate/stream", method: "POST", headers: { "x-request-id": "own" } });
  const { body } = await handle(stream);
  const before = calls();
  for (const path of ["/generate/stream/own", "/v1/stream?conv_id=own"]) {
    const link = asked({ mode: "navigate", destination: "document", url: `http://x${path}` });
    expect((await handle(link)).status).toBe(403);
    expect((await handle(asked({ destination: "image", url: `http://x${path}` }))).status).toBe(403);
  }
  expect(calls()).toBe(before);
  expect(await new Response(body).text()).toMatch(/^b/);
  expect(log.records.find(({ request_id }) => request_id === "own")).toMatchObject({ finish_reason: "length" });
});
