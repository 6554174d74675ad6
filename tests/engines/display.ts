import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { endProcess } from "./processes.ts";

export interface Display {
  /** As in `DISPLAY`. */
  readonly name: string;
  close(): Promise<void>;
}

/** A screen that nobody sees: WebKitGTK has no headless mode. The server picks a number that is free. */
export async function openDisplay(): Promise<Display> {
  const server = spawn("Xvfb", ["-displayfd", "3", "-screen", "0", "1280x800x24", "-nolisten", "tcp"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  const ended = once(server, "exit").then(([code]) => {
    throw new Error(`Xvfb ended with ${code} before it had a screen.`);
  });
  const [number] = await Promise.race([once(server.stdio[3] as Readable, "data"), ended]);
  ended.catch(() => {}); // later, that is its end
  return { name: `:${String(number).trim()}`, close: () => endProcess(server) };
}
