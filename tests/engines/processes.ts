import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Time to end in peace. */
const END_MS = 10_000;

export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill();
  const impatience = setTimeout(() => child.kill("SIGKILL"), END_MS);
  await ended;
  clearTimeout(impatience);
}

/** Of a child that was spawned `detached`, so that it leads a group: a browser's own children outlive it by a moment. */
export async function endProcessGroup(child: ChildProcess): Promise<void> {
  await endProcess(child);
  try {
    process.kill(-(child.pid ?? Number.NaN), "SIGKILL");
  } catch {
    // Nobody is left.
  }
}

export const createProfile = (): string => mkdtempSync(join(tmpdir(), "minivault-profile-"));

/** Also while a browser that was told to end still writes into it. */
export const removeProfile = (folder: string): Promise<void> =>
  rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
