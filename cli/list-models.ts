import type { VaultConfig } from "../core/config.ts";
import { catalogueOf } from "../models/catalogue.ts";
import type { ModelEntry } from "../models/model-entry.ts";
import { createFolderStore } from "./folder-store.ts";
import { inMegabytes } from "./words.ts";

const HEAD = ["name", "size", "context", "CPU needs", "GPU needs", "licence", "here"];

/** A table of at most 80 columns. */
export async function listModels(config: VaultConfig, folder: string): Promise<string> {
  const stored = await createFolderStore(folder).list();
  const sizeHere = ({ repo }: ModelEntry): string => {
    const own = stored.filter(({ model, isWhole }) => model === repo && isWhole);
    return own.length === 0 ? "" : inMegabytes(own.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
  };
  const rows = catalogueOf(config).map((entry) => [
    entry.name,
    entry.parameters,
    entry.contextTokens?.toLocaleString("en") ?? "",
    entry.aboutBytes ? inMegabytes(entry.aboutBytes.wasm) : "",
    entry.aboutBytes ? inMegabytes(entry.aboutBytes.webgpu) : "",
    entry.licence,
    sizeHere(entry),
  ]);
  const table = [HEAD, ...rows];
  const widths = HEAD.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const line = (row: string[]) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ");
  return [...table.map(line).map((text) => text.trimEnd()), "", "Sizes are those of a download, and rough."].join("\n");
}
