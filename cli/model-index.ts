import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Plugin } from "vite";
import type { ModelFile } from "../models/model-entry.ts";
import { SITE_INDEX_PATH, type SiteIndex } from "../models/site-index.ts";
import { isPart, pathsIn } from "./folder-store.ts";

/** Builds `models/index.json`, and leaves out of the site what is only half there. */
export function modelIndex(): Plugin {
  let folder = "";
  let built = "";
  return {
    name: "minivault:model-index",
    apply: "build",
    configResolved({ publicDir, root, build }) {
      folder = join(publicDir, "models");
      built = resolve(root, build.outDir, "models");
    },
    async generateBundle() {
      const source = JSON.stringify(await indexModels(folder));
      this.emitFile({ type: "asset", fileName: SITE_INDEX_PATH, source });
    },
    async writeBundle() {
      const parts = (await pathsIn(built)).filter(isPart);
      await Promise.all(parts.map((path) => rm(join(built, path))));
    },
  };
}

/** Every folder with a `config.json` and weights is a model, whether it is `name/` or `owner/name/`. */
export async function indexModels(folder: string): Promise<SiteIndex> {
  const all = await pathsIn(folder);
  const parts = all.filter(isPart);
  // Weights of which more is on its way, in a file beside them, are not there yet either.
  const paths = all.filter((path) => !/(^|\/)\./.test(path) && !parts.some((part) => part.startsWith(path)));
  const repos = paths.filter((path) => /^[^/]+(\/[^/]+)?\/config\.json$/.test(path)).map((path) => path.slice(0, -12));
  const models = repos.map((repo) => ({
    repo,
    own: paths.filter((path) => path.startsWith(`${repo}/`)).map((path) => path.slice(repo.length + 1)),
  }));
  return Promise.all(
    models
      .filter(({ own }) => own.some((path) => path.endsWith(".onnx")))
      .map(async ({ repo, own }) => ({
        repo,
        files: await Promise.all(own.map((path) => describe(join(folder, repo), path))),
      })),
  );
}

async function describe(folder: string, path: string): Promise<ModelFile> {
  const file = join(folder, path);
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return { path, sizeBytes: (await stat(file)).size, hash: { type: "sha256", hex: hash.digest("hex") } };
}
