import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { get, type IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { brotliDecompressSync, gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Site, serveSite } from "./site-server.ts";

const SCRIPT = "export const word = 'word';\n".repeat(200);
const RUNTIME = Buffer.from("\0asm, and so on. ".repeat(200));
const WEIGHTS = Buffer.alloc(5000, "weights");

let root: string;
let site: Site;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "minivault-served-"));
  const folder = join(root, "dist");
  mkdirSync(join(folder, "assets"), { recursive: true });
  mkdirSync(join(folder, "models", "own"), { recursive: true });
  writeFileSync(join(root, "secret.js"), SCRIPT);
  writeFileSync(join(folder, "assets", "a.js"), SCRIPT);
  writeFileSync(join(folder, "assets", "a.wasm.gz"), gzipSync(RUNTIME));
  writeFileSync(join(folder, "assets", "torn.wasm.gz"), gzipSync(RUNTIME).subarray(0, 40));
  writeFileSync(join(folder, "models", "own", "model.onnx"), WEIGHTS);
  site = await serveSite({ folder, port: 0, env: {} });
});

afterAll(async () => {
  await site.close();
  rmSync(root, { recursive: true });
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** As it comes over the wire: `fetch()` would unpack it. */
const ask = (path: string, headers: Record<string, string>): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(site.url);
    get({ hostname, port, path, headers }, async (response) => {
      resolve({ status: response.statusCode, headers: response.headers, body: await buffer(response) });
    }).on("error", reject);
  });

const BROTLI = { "accept-encoding": "gzip, deflate, br, zstd" };

test("a script is sent with Brotli, once: asked for again it has not changed", async () => {
  const { status, headers, body } = await ask("/assets/a.js?v=1", BROTLI);
  expect({ status, headers }).toMatchObject({
    status: 200,
    headers: {
      "content-type": "text/javascript",
      "content-encoding": "br",
      vary: "accept-encoding",
      "cache-control": "public, max-age=31536000, immutable",
      "cross-origin-resource-policy": "same-origin",
    },
  });
  expect(`${brotliDecompressSync(body)}`).toBe(SCRIPT);
  const again = await ask("/assets/a.js", { ...BROTLI, "if-none-match": headers.etag ?? "" });
  expect({ status: again.status, bytes: again.body.length }).toEqual({ status: 304, bytes: 0 });
});

test("a runtime is sent with Brotli as the WASM that it is, and to others with the gzip that its file is", async () => {
  const { headers, body } = await ask("/assets/a.wasm.gz", BROTLI);
  expect(headers).toMatchObject({ "content-type": "application/wasm", "content-encoding": "br" });
  expect(brotliDecompressSync(body)).toEqual(RUNTIME);
  for (const accepted of ["gzip", "gzip, br;q=0", "br;q=0.0, gzip", "brotli, gzip"]) {
    const other = await ask("/assets/a.wasm.gz", { "accept-encoding": accepted });
    expect(other.headers, accepted).toMatchObject({ "content-type": "application/wasm", "content-encoding": "gzip" });
    expect(other.headers.etag).not.toBe(headers.etag);
    expect(gunzipSync(other.body)).toEqual(RUNTIME);
  }
});

test("a file that is no gzip is sent as it is", async () => {
  const { status, body } = await ask("/assets/torn.wasm.gz", BROTLI);
  expect({ status, bytes: body.length }).toEqual({ status: 200, bytes: 40 });
});

test("weights are sent whole or from a byte on, never compressed", async () => {
  const whole = await ask("/models/own/model.onnx", BROTLI);
  expect(whole.body).toEqual(WEIGHTS);
  const rest = await ask("/models/own/model.onnx", { ...BROTLI, range: "bytes=4990-" });
  expect({ status: rest.status, body: rest.body }).toEqual({ status: 206, body: WEIGHTS.subarray(4990) });
  const part = await ask("/assets/a.js", { ...BROTLI, range: "bytes=0-1999" });
  expect({ status: part.status, text: `${part.body}` }).toEqual({ status: 206, text: SCRIPT.slice(0, 2000) });
});

test("nothing beside the site's folder is sent, nor what has no name", async () => {
  for (const path of [
    "/../secret.js",
    "/%2e%2e/secret.js",
    "/assets/..%2f..%2fsecret.js",
    "/%E0%A4%A.js",
    "/a%00.js",
  ]) {
    expect((await ask(path, BROTLI)).status, path).not.toBe(200);
  }
});
