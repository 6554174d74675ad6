import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { defineConfig, type Plugin } from "vite";
import { VitePWA } from "vite-plugin-pwa";
import { modelIndex } from "./cli/model-index.ts";
import { LOG_JSON_SCHEMA } from "./core/log/log-json-schema.ts";
import { openApiDocument } from "./core/openapi.ts";
import { DIALECTS } from "./core/routing.ts";

const packed = promisify(gzip);

/**
 * Transformers.js imports one build of the ONNX runtime for every device, the largest and slowest. This puts a
 * small module of ours in its place, which picks the build at run time.
 */
const ortRuntime = (): Plugin => ({
  name: "minivault:ort-runtime",
  enforce: "pre",
  resolveId(source, importer) {
    const ours = source === "onnxruntime-web/webgpu" && importer?.includes("@huggingface/transformers");
    return ours ? fileURLToPath(new URL("engine/ort-runtime.ts", import.meta.url)) : null;
  },
});

/** The service worker stays smaller without what describes its routes. */
const openApi = (): Plugin => ({
  name: "minivault:openapi",
  apply: "build",
  generateBundle() {
    this.emitFile({ type: "asset", fileName: "openapi.json", source: JSON.stringify(openApiDocument(DIALECTS, "./")) });
  },
});

/** What is made of the log's schema is made here: the library that makes it is as large as the log's store. */
const logJsonSchema = (): Plugin => ({
  name: "minivault:log-json-schema",
  load: (id) =>
    id.endsWith("/core/log/log-json-schema.ts")
      ? `export const LOG_JSON_SCHEMA = ${JSON.stringify(LOG_JSON_SCHEMA)};`
      : null,
});

/** Hosts refuse large files, and few compress WASM: it is shipped packed, and the engine unpacks it. */
const packRuntimes = (): Plugin => ({
  name: "minivault:pack-runtimes",
  apply: "build",
  async writeBundle({ dir = "" }) {
    for (const name of await readdir(join(dir, "assets"))) {
      if (!name.endsWith(".wasm")) continue;
      const file = join(dir, "assets", name);
      await writeFile(`${file}.gz`, await packed(await readFile(file), { level: 9 }));
      await rm(file);
    }
  },
});

export default defineConfig({
  base: "./",
  build: {
    target: "es2023",
    chunkSizeWarningLimit: 600,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: { index: "index.html", "api-docs": "docs.html" } },
  },
  worker: { format: "es", plugins: () => [ortRuntime()] },
  plugins: [
    modelIndex(),
    openApi(),
    logJsonSchema(),
    packRuntimes(),
    VitePWA({
      strategies: "injectManifest",
      srcDir: "sw",
      filename: "sw.ts",
      injectRegister: false,
      manifest: false,
      injectManifest: {
        rollupFormat: "iife",
        buildPlugins: { vite: [logJsonSchema()] },
        // The embedded model and the plain WASM runtime too: without them offline would be an empty page.
        globPatterns: [
          "**/*.{html,js,css,svg,png,webmanifest}",
          "models/minivault-demo/**/*.{json,onnx}",
          "models/index.json",
          "openapi.json",
          "assets/ort-wasm-simd-threaded-*.wasm.gz",
        ],
        // The viewer of /docs is large: see the shell cache. Other models are kept by the page that asks for them.
        globIgnores: [
          "**/expected-greedy.json",
          "screenshots/**",
          "assets/openapi-explorer-*.js",
          "models/!(minivault-demo|index.json)/**",
        ],
        maximumFileSizeToCacheInBytes: 40_000_000,
      },
    }),
  ],
});
