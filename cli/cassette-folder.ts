import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** The text of a cassette in a folder of `<name>.jsonl`; `null`: there is none. */
export async function readCassette(folder: string, name: string): Promise<string | null> {
  try {
    return await readFile(join(folder, `${name}.jsonl`), "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw cause;
  }
}
