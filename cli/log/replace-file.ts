import { open, rename } from "node:fs/promises";

/** All of it is there after a crash, or all of what was there before. */
export async function replaceFile(path: string, text: string, mode?: number): Promise<void> {
  const file = await open(`${path}.new`, "w", mode);
  try {
    await file.writeFile(text);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}
