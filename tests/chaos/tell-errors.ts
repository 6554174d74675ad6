import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { ERRORS_CHANNEL } from "./ask.ts";

/**
 * Makes a site's workers tell every tab what nobody caught in them. Nothing is attached to the workers for that: a
 * service worker that is stopped while somebody attaches to it may not start again (Chromium 156: two runs of
 * three hung with that, none of 18 without).
 */
export function tellErrors(folder: string): void {
  const names = readdirSync(folder, { recursive: true }).map(String);
  for (const name of names.filter((name) => WORKER.test(basename(name)))) {
    const path = join(folder, name);
    const script = readFileSync(path, "utf8");
    if (script.includes(ERRORS_CHANNEL)) continue;
    rmSync(path); // it may be a link to the built one
    writeFileSync(path, `${script}\n${tell(basename(name))}`);
  }
}

const WORKER = /^(sw|(\w+-)?worker-[\w-]+)\.js$/;

const tell = (name: string): string => `
  {
    const tell = (error) =>
      new BroadcastChannel("${ERRORS_CHANNEL}").postMessage("${name}: " + (error?.stack ?? error));
    addEventListener("error", ({ error, message }) => tell(error ?? message));
    addEventListener("unhandledrejection", ({ reason }) => tell(reason));
  }
`;
