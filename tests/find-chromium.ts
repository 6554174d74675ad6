import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chromium } from "playwright";

const SYSTEM_PATHS = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];

/** `MINIVAULT_CHROMIUM`, else a system's, else Playwright's own; where there is none, one is installed. */
export function findChromium(): string {
  const found = installed();
  if (found) return found;
  const ways: Array<[command: string, args: string[]]> = [
    ["npx", ["playwright", "install", "chromium"]],
    ["apt-get", ["update"]],
    ["apt-get", ["install", "--yes", "--no-install-recommends", "chromium"]],
  ];
  for (const [command, args] of ways) {
    console.log(`No Chromium yet: ${command} ${args.join(" ")}`);
    spawnSync(command, args, { stdio: "inherit" });
    const now = installed();
    if (now) return now;
  }
  throw new Error("No Chromium was found, and none could be installed. Set MINIVAULT_CHROMIUM to the path of one.");
}

function installed(): string | undefined {
  const given = process.env["MINIVAULT_CHROMIUM"];
  if (given) {
    if (existsSync(given)) return given;
    throw new Error(`MINIVAULT_CHROMIUM is ${given}, where nothing is.`);
  }
  return [...SYSTEM_PATHS, chromium.executablePath()].find((path) => existsSync(path));
}

/** Keeps Chromium from its maker's servers: what a test sees on the network is the page's doing. */
export const QUIET_FLAGS = [
  "--no-sandbox", // containers and continuous integration run as root
  "--no-first-run",
  "--disable-quic",
  "--disable-sync",
  "--disable-background-networking",
  "--disable-component-update",
];

/** A WebGPU adapter on the CPU, where there is no GPU. */
export const SOFTWARE_GPU_FLAGS = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];
