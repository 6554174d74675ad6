import { mkdir, rmdir, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A lock that was not touched for so long belongs to a process that died. */
const STALE_MS = 10_000;
const TOUCH_MS = 2_000;
const LONGEST_WAIT_MS = 50;

/**
 * Does something while no other process does: whoever makes the folder `.lock` has the lock. Node has no `flock`, and
 * making a folder is atomic on every file system.
 */
export async function withLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const lock = join(folder, ".lock");
  for (let waitMs = 1; !(await make(lock)); waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
    if (await isStale(lock)) await breakLock(lock);
    await sleep(waitMs * (0.5 + Math.random()));
  }
  const touching = setInterval(() => void utimes(lock, new Date(), new Date()).catch(() => {}), TOUCH_MS);
  try {
    return await work();
  } finally {
    clearInterval(touching);
    await rmdir(lock);
  }
}

/** One at a time as well: between the look and the removal another one could have broken it, and a third one taken it. */
async function breakLock(lock: string): Promise<void> {
  const breaking = `${lock}-breaking`;
  if (!(await make(breaking))) {
    if (await isStale(breaking)) await rmdir(breaking).catch(() => {});
    return;
  }
  try {
    if (await isStale(lock)) await rmdir(lock);
  } finally {
    await rmdir(breaking);
  }
}

async function make(folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw cause;
  }
}

const isStale = async (path: string): Promise<boolean> => {
  const found = await stat(path).catch(() => null);
  return found !== null && Date.now() - found.mtimeMs > STALE_MS;
};
