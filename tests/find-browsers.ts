import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";

/** `MINIVAULT_FIREFOX`, else a system's; where there is none, Firefox ESR is installed. */
export function findFirefox(): string {
  return findOrInstall("Firefox", ["firefox-esr"], () =>
    firstOf("MINIVAULT_FIREFOX", [
      "/usr/bin/firefox-esr",
      "/usr/bin/firefox",
      "/Applications/Firefox.app/Contents/MacOS/firefox",
      "C:\\Program Files\\Mozilla Firefox\\firefox.exe",
    ]),
  );
}

export interface WebKit {
  readonly miniBrowser: string;
  readonly driver: string;
}

/** `MINIVAULT_WEBKIT` is the path of a MiniBrowser; its driver and Xvfb are looked for in `PATH`. */
export function findWebKit(): WebKit {
  return findOrInstall("WebKitGTK", ["webkit2gtk-driver", "xvfb"], () => {
    const miniBrowser = firstOf("MINIVAULT_WEBKIT", [
      ...["x86_64-linux-gnu", "aarch64-linux-gnu"].flatMap((machine) => webkitFolders(`/usr/lib/${machine}`)),
      ...webkitFolders("/usr/libexec"),
      ...webkitFolders("/usr/lib"),
    ]);
    const driver = inPath("WebKitWebDriver");
    return miniBrowser && driver && inPath("Xvfb") ? { miniBrowser, driver } : undefined;
  });
}

function findOrInstall<T>(name: string, packages: readonly string[], find: () => T | undefined): T {
  const found = find();
  if (found) return found;
  if (process.platform === "linux") {
    for (const args of [["update"], ["install", "--yes", "--no-install-recommends", ...packages]]) {
      console.log(`No ${name} yet: apt-get ${args.join(" ")}`);
      spawnSync("apt-get", args, { stdio: "inherit" });
    }
    const now = find();
    if (now) return now;
  }
  const variable = name === "Firefox" ? "MINIVAULT_FIREFOX" : "MINIVAULT_WEBKIT";
  throw new Error(
    `No ${name} was found, and none can be installed here. Set ${variable} to the path of one, or run the tests on ` +
      `a Linux that has the packages ${packages.join(", ")}.`,
  );
}

function firstOf(variable: string, paths: readonly string[]): string | undefined {
  const given = process.env[variable];
  if (!given) return paths.find((path) => existsSync(path));
  if (existsSync(given)) return given;
  throw new Error(`${variable} is ${given}, where nothing is.`);
}

/** `webkit2gtk-4.1/MiniBrowser` and its like, the newest first. */
function webkitFolders(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /^webkit2?gtk-/.test(name))
    .sort()
    .reverse()
    .map((name) => join(folder, name, "MiniBrowser"));
}

function inPath(command: string): string | undefined {
  return (process.env["PATH"] ?? "")
    .split(delimiter)
    .map((folder) => join(folder, command))
    .find((path) => existsSync(path));
}
