import { parseArgs } from "node:util";
import { ENGINES } from "./engines.ts";
import setUp from "./global-setup.ts";
import { measureLifetime } from "./lifetime.ts";

/** `npm run lifetime -- --minutes 10 [--engine firefox]`: all engines at once if none is named. */
const { values } = parseArgs({ options: { minutes: { type: "string", default: "10" }, engine: { type: "string" } } });
const seconds = Math.round(Number(values.minutes) * 60);
const chosen = ENGINES.filter(
  ({ name }) => !values.engine || name.toLowerCase().startsWith(values.engine.toLowerCase()),
);
if (!(seconds > 0) || chosen.length === 0) {
  throw new Error(
    `Say --minutes with a number, and --engine with one of ${ENGINES.map(({ name }) => name).join(", ")}.`,
  );
}

await setUp();
const outcomes = await Promise.all(
  chosen.map(async ({ name }) => {
    const lifetime = await measureLifetime(name, seconds);
    console.log(name, lifetime);
    return lifetime.outcome;
  }),
);
process.exitCode = outcomes.every((outcome) => outcome === "done") ? 0 : 1;
