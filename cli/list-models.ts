import type { VaultConfig } from "../core/config.ts";
import { catalogueOf } from "../models/catalogue.ts";
import { createFolderStore } from "./folder-store.ts";
import { inMegabytes } from "./words.ts";

const HEAD = ["name", "size", "context", "CPU needs", "GPU needs", "licence", "here"];

/** A table: what can be had by name, then what else is in the folder. At most 80 columns, unless a hub id is long. */
export async function listModels(config: VaultConfig, folder: string): Promise<string> {
  const stored = await createFolderStore(folder).list();
  const sizeHere = (repo: string): string => {
    const own = stored.filter(({ model, isWhole }) => model === repo && isWhole);
    return own.length === 0 ? "" : inMegabytes(own.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
  };
  const entries = catalogueOf(config);
  const folders = new Set(stored.map(({ model }) => model));
  for (const { repo } of entries) folders.delete(repo);
  const rows = entries.map((entry) => [
    entry.name,
    entry.parameters,
    entry.contextTokens?.toLocaleString("en") ?? "",
    entry.aboutBytes ? inMegabytes(entry.aboutBytes.wasm) : "",
    entry.aboutBytes ? inMegabytes(entry.aboutBytes.webgpu) : "",
    entry.licence,
    sizeHere(entry.repo),
  ]);
  const others = Array.from(folders, (repo) => [repo, "", "", "", "", "", sizeHere(repo)]);
  const table = [HEAD, ...rows, ...others];
  const widths = HEAD.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const line = (row: string[]) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ");
  return [...table.map(line).map((text) => text.trimEnd()), "", "Sizes are those of a download, and rough."].join("\n");
}
