import { existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { build } from "vite";

const SOURCES = [
  "web",
  "sw",
  "core",
  "models",
  "engine",
  "logs-export",
  "public",
  "index.html",
  "docs.html",
  "vite.config.ts",
  "cli/model-index.ts",
  "package-lock.json",
];

/** Builds the app if anything is newer than the last build. Returns its folder. */
export async function buildSite(root: string): Promise<string> {
  const folder = join(root, "dist");
  const built = join(folder, "sw.js"); // written last
  if (existsSync(built) && (await newest(SOURCES.map((name) => join(root, name)))) < (await stat(built)).mtimeMs) {
    return folder;
  }
  console.log("Building …");
  const { NODE_ENV } = process.env;
  process.env["NODE_ENV"] = "production"; // under a test runner's the libraries' development versions would be built
  try {
    await build({ root, logLevel: "warn" });
  } finally {
    if (NODE_ENV === undefined) delete process.env["NODE_ENV"];
    else process.env["NODE_ENV"] = NODE_ENV;
  }
  return folder;
}

async function newest(paths: readonly string[]): Promise<number> {
  const times = await Promise.all(
    paths.map(async (path) => {
      const info = await stat(path);
      if (!info.isDirectory()) return info.mtimeMs;
      return newest((await readdir(path)).map((name) => join(path, name)));
    }),
  );
  return Math.max(0, ...times);
}
