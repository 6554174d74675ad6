import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { findOrInstall, firstOf, inPath } from "./find-or-install.ts";

/** `MINIVAULT_FIREFOX`, else a system's; where there is none, Firefox ESR is installed. */
export function findFirefox(): string {
  const variable = "MINIVAULT_FIREFOX";
  return findOrInstall({
    name: "Firefox",
    variable,
    packages: ["firefox-esr"],
    find: () =>
      firstOf(variable, [
        "/usr/bin/firefox-esr",
        "/usr/bin/firefox",
        "/Applications/Firefox.app/Contents/MacOS/firefox",
        "C:\\Program Files\\Mozilla Firefox\\firefox.exe",
      ]),
  });
}

export interface WebKit {
  readonly miniBrowser: string;
  readonly driver: string;
}

/** `MINIVAULT_WEBKIT` is the path of a MiniBrowser; its driver and Xvfb are looked for in `PATH`. */
export function findWebKit(): WebKit {
  const variable = "MINIVAULT_WEBKIT";
  return findOrInstall({
    name: "WebKitGTK",
    variable,
    packages: ["webkit2gtk-driver", "xvfb"],
    find: () => {
      const miniBrowser = firstOf(variable, [
        ...["x86_64-linux-gnu", "aarch64-linux-gnu"].flatMap((machine) => webkitFolders(`/usr/lib/${machine}`)),
        ...webkitFolders("/usr/libexec"),
        ...webkitFolders("/usr/lib"),
      ]);
      const driver = inPath("WebKitWebDriver");
      return miniBrowser && driver && inPath("Xvfb") ? { miniBrowser, driver } : undefined;
    },
  });
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
