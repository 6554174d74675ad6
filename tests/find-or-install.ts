import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** What the tests need of the machine. Where it is missing, Linux is asked to install its packages. */
export interface Wanted<T> {
  readonly name: string;
  /** Environment variable with the path of one, for who has it elsewhere. */
  readonly variable: string;
  /** Debian's. */
  readonly packages: readonly string[];
  readonly find: () => T | undefined;
}

export function findOrInstall<T>({ name, variable, packages, find }: Wanted<T>): T {
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
  throw new Error(
    `No ${name} was found, and none can be installed here. Set ${variable} to the path of one, or run the tests on ` +
      `a Linux that has the packages ${packages.join(", ")}.`,
  );
}

/** What the variable names, else the first of the paths at which there is something. */
export function firstOf(variable: string, paths: readonly string[]): string | undefined {
  const given = process.env[variable];
  if (!given) return paths.find((path) => existsSync(path));
  if (existsSync(given)) return given;
  throw new Error(`${variable} is ${given}, where nothing is.`);
}

export function inPath(command: string): string | undefined {
  return (process.env["PATH"] ?? "")
    .split(delimiter)
    .map((folder) => join(folder, command))
    .find((path) => existsSync(path));
}
