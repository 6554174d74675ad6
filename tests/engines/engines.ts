import { CHROMIUM } from "./chromium.ts";
import type { EngineDriver } from "./engine-driver.ts";
import { FIREFOX } from "./firefox.ts";
import { WEBKIT } from "./webkit.ts";

export const ENGINES: readonly EngineDriver[] = [CHROMIUM, FIREFOX, WEBKIT];
