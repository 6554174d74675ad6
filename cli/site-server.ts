import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Plugin, preview } from "vite";
import { isCassetteName } from "../core/cassette/cassette-name.ts";
import { DEFAULT_CONFIG, hubsOf, type VaultConfig } from "../core/config.ts";
import { readCassette } from "./cassette-folder.ts";
import { compressedFiles } from "./compressed-files.ts";
import { configFrom, type Environment } from "./config-from-env.ts";

export interface SiteOptions {
  /** The built app. */
  readonly folder: string;
  readonly port: number;
  /** `MINIVAULT_*` are read from here: see the README. */
  readonly env: Environment;
}

export interface Site {
  readonly url: string;
  readonly httpServer: Server;
  close(): Promise<void>;
}

/** Serves the built app. Throws if a variable is wrong or the port is taken. */
export async function serveSite({ folder, port, env }: SiteOptions): Promise<Site> {
  const config = configFrom(env);
  const server = await preview({
    configFile: false,
    appType: "mpa", // an unknown path is a 404, not the page
    build: { outDir: folder },
    preview: { port, strictPort: port !== 0, cors: false },
    plugins: [serveExtras(config, env["MINIVAULT_CASSETTES"] || "cassettes"), serveCompressed(folder)],
    logLevel: "silent",
  });
  const httpServer = server.httpServer as Server;
  const { port: actual } = httpServer.address() as AddressInfo;
  return { url: `http://localhost:${actual}/`, httpServer, close: () => server.close() };
}

/** Cross-origin isolation for threads; and a policy under which nothing but the hub can be contacted. */
export function headersFor(config: VaultConfig, path = "/"): Record<string, string> {
  const [hub, ...others] = hubsOf(config);
  // The public hub answers downloads with a redirect to hosts of its own.
  if (hub === DEFAULT_CONFIG.hub) others.unshift("https://*.huggingface.co", "https://*.hf.co");
  // A path would have to be matched whole, and is no part of what a redirect is compared with.
  const hubHosts = [...new Set([hub, ...others].map((url) => new URL(url).origin))].join(" ");
  return {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": [
      "default-src 'self'",
      "script-src 'self' 'wasm-unsafe-eval'",
      `connect-src 'self' ${hubHosts}`,
      ...(/^\/docs(\.html)?$/.test(path) ? VIEWER_POLICY : []),
      "object-src 'none'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join("; "),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  };
}

/** Static hosts do the same by `public/_headers`. */
export function cacheControlFor(path: string): string | null {
  // The names of these change with their content. Kept, they are not fetched again for offline use.
  if (path.startsWith("/assets/")) return "public, max-age=31536000, immutable";
  // A new version is seen at the next visit: the service worker, and what it is told to keep.
  return /^\/(|docs|.*\.html|sw\.js|manifest\.webmanifest)$/.test(path) ? "no-cache" : null;
}

/** The viewer of the API's description writes its styles into its elements, and brings its arrows along. */
const VIEWER_POLICY = ["style-src 'self' 'unsafe-inline'", "img-src 'self' data:"];

function serveExtras(config: VaultConfig, cassettes: string): Plugin {
  return {
    name: "minivault:site",
    configurePreviewServer({ middlewares }) {
      middlewares.use(async (request, response, next) => {
        const path = request.url?.split("?")[0] ?? "/";
        response.setHeaders(new Map(Object.entries(headersFor(config, path))));
        const cacheControl = cacheControlFor(path);
        if (cacheControl) response.setHeader("cache-control", cacheControl);
        const send = (type: string, text: string) => {
          response.setHeader("content-type", type);
          response.setHeader("cache-control", "no-store");
          response.end(text);
        };
        if (path === "/minivault.config.json") return send("application/json", JSON.stringify(config));
        const [, name] = /^\/cassettes\/([^/]*)\.jsonl$/.exec(path) ?? [];
        const cassette = name && isCassetteName(name) ? await readCassette(cassettes, name).catch(() => null) : null;
        if (cassette === null) return next();
        send("application/x-ndjson", cassette);
      });
    },
  };
}

const serveCompressed = (folder: string): Plugin => ({
  name: "minivault:compressed",
  configurePreviewServer: ({ middlewares }) => void middlewares.use(compressedFiles(folder)),
});
