import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { brotliCompressSync } from "node:zlib";
import { buildSite } from "../cli/build-site.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** Cloudflare Pages takes files of up to 25 MiB. */
const LIMITS = { sw_js_bytes_br: 60_000, page_js_bytes_br: 60_000, largest_file_bytes: 20 * 2 ** 20 };

/**
 * Brotli bytes of what a first visit runs before the engine: the service worker, and the page's scripts. And the bytes of
 * the largest file of the build; other models than the embedded one are what their owner has put there.
 */
export async function measureSizes(): Promise<Record<keyof typeof LIMITS, number>> {
  const folder = await buildSite(ROOT);
  const size = (path: string) => brotliCompressSync(readFileSync(join(folder, path))).length;
  const scripts = [
    ...readFileSync(join(folder, "index.html"), "utf8").matchAll(/(?:src|href)="\.\/(assets\/[^"]+\.js)"/g),
  ];
  const page = scripts.map(([, path]) => size(path ?? "")).reduce((sum, bytes) => sum + bytes, 0);
  if (page === 0 || !readdirSync(folder).includes("sw.js")) throw new Error("The build has no scripts to measure.");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const ours = files.filter((path) => !/^models[\\/](?!minivault-demo[\\/])/.test(path));
  const largest = Math.max(...ours.map((path) => statSync(join(folder, path)).size));
  return { sw_js_bytes_br: size("sw.js"), page_js_bytes_br: page, largest_file_bytes: largest };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const [name, bytes] of Object.entries(await measureSizes())) {
    const limit = LIMITS[name as keyof typeof LIMITS];
    console.log(`${name}: ${bytes} of at most ${limit}`);
    if (bytes > limit) process.exitCode = 1;
  }
}
