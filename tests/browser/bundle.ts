import { fileURLToPath } from "node:url";
import { build } from "vite";

const OUT = new URL("../../test-results/bundles/", import.meta.url);

/** One self-contained script of a module of the tests. */
export async function bundle(entry: string, fileName: string): Promise<void> {
  await build({
    configFile: false,
    logLevel: "warn",
    build: {
      outDir: fileURLToPath(OUT),
      emptyOutDir: false,
      copyPublicDir: false,
      minify: false,
      lib: {
        entry: fileURLToPath(new URL(entry, import.meta.url)),
        formats: ["iife"],
        name: "bundle",
        fileName: () => fileName,
      },
    },
  });
}

/** A page with its workers, in a folder of its own. */
export async function bundlePage(folder: string, name: string): Promise<void> {
  await build({
    configFile: false,
    logLevel: "warn",
    root: fileURLToPath(new URL(folder, import.meta.url)),
    base: "./",
    worker: { format: "es" },
    build: { outDir: bundlePath(name), emptyOutDir: true, target: "es2023", modulePreload: { polyfill: false } },
  });
}

export const bundlePath = (fileName: string): string => fileURLToPath(new URL(fileName, OUT));
