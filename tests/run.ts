import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSite } from "../cli/build-site.ts";
import { failedInPlaywright, failedInVitest } from "./failures.ts";
import { findChromium } from "./find-chromium.ts";

/** All suites, one after the other, and one line that adds them up. */
const root = fileURLToPath(new URL("..", import.meta.url));
const reports = join(root, "test-results", "reports");

interface Tally {
  readonly passed: number;
  readonly failed: number;
  /** What failed, and why. */
  readonly reasons: readonly string[];
}

function run(args: string[], env: Record<string, string> = {}): boolean {
  const { status } = spawnSync("npx", args, { cwd: root, stdio: "inherit", env: { ...process.env, ...env } });
  return status === 0;
}

/** A suite that fails without a failed test (it could not even start) counts as one failure. */
function tally(name: string, ok: boolean, read: () => Tally): Tally {
  try {
    const { passed, failed, reasons } = read();
    return { passed, failed: ok ? failed : Math.max(1, failed), reasons };
  } catch (cause) {
    return { passed: 0, failed: 1, reasons: [`${name}: no report. ${cause}`] };
  }
}

function vitest(config: string, name: string): Tally {
  const file = join(reports, `${name}.json`);
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile=${file}`];
  const ok = run(["vitest", "run", "--config", config, ...reporters], { MINIVAULT_CHROMIUM: findChromium() });
  return tally(name, ok, () => {
    const report = JSON.parse(readFileSync(file, "utf8"));
    return { passed: report.numPassedTests, failed: report.numFailedTests, reasons: failedInVitest(report) };
  });
}

function browserTests(): Tally {
  const file = join(reports, "playwright.json");
  const ok = run(["playwright", "test", "--config", "tests/browser/playwright.config.ts", "--reporter=list,json"], {
    PLAYWRIGHT_JSON_OUTPUT_NAME: file,
    MINIVAULT_CHROMIUM: findChromium(),
  });
  return tally("browser", ok, () => {
    const { stats, suites, errors } = JSON.parse(readFileSync(file, "utf8"));
    const reasons = [
      ...suites.flatMap(failedInPlaywright),
      ...errors.map(({ message }: { message: string }) => message),
    ];
    return { passed: stats.expected, failed: stats.unexpected + stats.flaky, reasons };
  });
}

/** One test: nothing is lost, whatever breaks. */
const chaos = (...options: string[]): Tally =>
  run(["tsx", "tests/chaos/run.ts", "--seed", "1", ...options])
    ? { passed: 1, failed: 0, reasons: [] }
    : { passed: 0, failed: 1, reasons: [`chaos ${options.join(" ")}`] };

rmSync(reports, { recursive: true, force: true });
mkdirSync(reports, { recursive: true });
await buildSite(root);
const tallies = [
  vitest("vitest.config.ts", "units"),
  browserTests(),
  vitest("tests/engines/vitest.config.ts", "engines"),
  vitest("tests/recipe/vitest.config.ts", "recipe"),
  chaos("--minutes", "2"),
  chaos("--minutes", "1", "--gpu"),
  chaos("--minutes", "1", "--vault", "--storage"),
];
const sum = (count: (tally: Tally) => number) => tallies.map(count).reduce((a, b) => a + b, 0);
const failed = sum((tally) => tally.failed);
for (const reason of tallies.flatMap(({ reasons }) => reasons)) console.log(`\nFAILED ${reason}`);
console.log(`${sum((tally) => tally.passed)} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
