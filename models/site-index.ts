import type { ModelEntry, ModelFile, ModelManifest } from "./model-entry.ts";

/** `models/index.json` of the site: what its folder `models/` has, so that nobody needs to try what is there. */
export type SiteIndex = readonly SiteModel[];

interface SiteModel {
  /** Folder below `models/`: a hub id, or a name of its own. */
  readonly repo: string;
  readonly files: readonly ModelFile[];
}

export const SITE_INDEX_PATH = "models/index.json";

/** The model as the site has it; `null` if it does not. The embedded one stays embedded. */
export function fromSite(entry: ModelEntry, index: SiteIndex): ModelManifest | null {
  const found = index.find(({ repo }) => repo === entry.repo);
  if (!found) return null;
  return { ...entry, source: entry.source === "embedded" ? "embedded" : "site", files: found.files };
}
