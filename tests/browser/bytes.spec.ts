import { readdirSync, readFileSync } from "node:fs";
import type { Server } from "node:http";
import type { Socket } from "node:net";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Page } from "playwright/test";
import { servePlainly } from "../fixtures/plain-host.ts";
import { expect, generate, test } from "./harness.ts";
import { DIST } from "./site-folders.ts";

const QUESTION = { prompt: "Q: What is the capital of France?\nA:" };

/** What a server writes to its sockets, headers included, and what was asked for. */
function countBytes(httpServer: Server) {
  const sockets = new Set<Socket>();
  const asked: string[] = [];
  httpServer.on("connection", (socket) => sockets.add(socket));
  httpServer.on("request", (request, response) =>
    response.on("finish", () =>
      asked.push(`${request.url} ${response.statusCode} ${response.getHeader("content-length")}`),
    ),
  );
  return { asked, bytes: () => [...sockets].reduce((sum, { bytesWritten }) => sum + bytesWritten, 0) };
}

/** Until the service worker has fetched all that it keeps, and the model has answered. */
async function firstVisit(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.waitForFunction(() => navigator.serviceWorker.controller && crossOriginIsolated);
  await expect(page.getByText("minivault-demo · CPU")).toBeVisible();
  expect((await generate(page, QUESTION)).response).toBe(" Paris.");
}

test("a first visit with the embedded model takes at most 8 MB from our server", async ({ page, site }) => {
  const { asked, bytes } = countBytes(site.httpServer);
  await firstVisit(page, site.url);
  expect(bytes(), asked.join("\n")).toBeLessThanOrEqual(8_000_000);
});

test("a first visit takes at most 10 MB from a host that compresses nothing, and then works without it", async ({
  page,
}) => {
  const host = await servePlainly(DIST);
  const { asked, bytes } = countBytes(host.httpServer);
  await firstVisit(page, host.url);
  expect(bytes(), asked.join("\n")).toBeLessThanOrEqual(10_000_000);
  await host.close();
  await page.reload();
  await expect(page.getByText("minivault-demo · CPU")).toBeVisible();
  expect((await generate(page, QUESTION)).response).toBe(" Paris.");
});

test("a host may call a packed runtime WASM, or what it is: it is unpacked, and kept as WASM", async ({ page }) => {
  const name = readdirSync(join(DIST, "assets")).find((name) => /^ort-wasm-simd-threaded-.*\.wasm\.gz$/.test(name));
  const size = gunzipSync(readFileSync(join(DIST, "assets", name ?? ""))).length;
  for (const type of ["application/wasm", "application/gzip"]) {
    const host = await servePlainly(DIST, { packedType: type });
    await firstVisit(page, host.url);
    const kept = await page.evaluate(async () => {
      const [runtime] = (await Promise.all((await caches.keys()).map(async (name) => (await caches.open(name)).keys())))
        .flat()
        .filter(({ url }) => url.endsWith(".wasm.gz"));
      const response = await caches.match(runtime!);
      return { type: response?.headers.get("content-type"), bytes: (await response?.arrayBuffer())?.byteLength };
    });
    expect(kept).toEqual({ type: "application/wasm", bytes: size });
    await host.close();
  }
});
