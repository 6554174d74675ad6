import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { findFirefox, findWebKit } from "../find-browsers.ts";
import { findChromium, QUIET_FLAGS } from "../find-chromium.ts";
import { openDisplay } from "./display.ts";
import type { EngineDriver } from "./engine-driver.ts";
import { createProfile, endProcessGroup, removeProfile } from "./processes.ts";

/** Without a first visit to its maker, and without questions. */
const FIREFOX_PREFERENCES = {
  "browser.aboutwelcome.enabled": false,
  "browser.shell.checkDefaultBrowser": false,
  "app.normandy.enabled": false,
  "app.update.disabledForTesting": true,
  "browser.safebrowsing.update.enabled": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "services.settings.server": "data:,#",
};

/** Starts a browser on a URL with nothing attached to it: a debugger switches the service worker's time limits off. */
const START: {
  readonly [name in EngineDriver["name"]]: (url: string, profile: string, display: string) => ChildProcess;
} = {
  Chromium: (url, profile) =>
    spawn(findChromium(), [...QUIET_FLAGS, "--headless=new", `--user-data-dir=${profile}`, url], {
      stdio: "ignore",
      detached: true,
    }),
  Firefox: (url, profile) => {
    const lines = Object.entries(FIREFOX_PREFERENCES).map(
      ([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});`,
    );
    writeFileSync(join(profile, "user.js"), lines.join("\n"));
    return spawn(findFirefox(), ["--headless", "--no-remote", "--profile", profile, url], {
      stdio: "ignore",
      detached: true,
    });
  },
  WebKitGTK: (url, profile, display) =>
    spawn(findWebKit().miniBrowser, [url], {
      stdio: "ignore",
      detached: true,
      env: {
        ...process.env,
        DISPLAY: display,
        XDG_DATA_HOME: profile,
        XDG_CACHE_HOME: profile,
        XDG_CONFIG_HOME: profile,
        WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1",
      },
    }),
};

/** Returns how to end it. */
export async function openUnattended(name: EngineDriver["name"], url: string): Promise<() => Promise<void>> {
  const profile = createProfile();
  const display = name === "WebKitGTK" ? await openDisplay() : null;
  const browser = START[name](url, profile, display?.name ?? "");
  return async () => {
    await endProcessGroup(browser);
    await display?.close();
    await removeProfile(profile);
  };
}
