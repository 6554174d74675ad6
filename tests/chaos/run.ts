import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildSite } from "../../cli/build-site.ts";
import { runChaos } from "./chaos.ts";

/** `npm run chaos -- --seed N --minutes M --gpu --vault --storage`: the same seed gives the same schedule. */
const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    minutes: { type: "string", default: "3" },
    gpu: { type: "boolean", default: false },
    vault: { type: "boolean", default: false },
    storage: { type: "boolean", default: false },
  },
});
const { gpu, vault, storage } = values;
const seed = Number(values.seed ?? Math.floor(Math.random() * 1e6));
const minutes = Number(values.minutes);
if (!Number.isInteger(seed) || !(minutes > 0)) {
  console.error("Give a whole number as --seed, and as --minutes a number above 0.");
  process.exit(2);
}

await buildSite(fileURLToPath(new URL("../..", import.meta.url)));
console.log(
  `Seed ${seed}, ${minutes} minutes, on the ${gpu ? "GPU" : "CPU"}${vault ? ", with a vault" : ""}${storage ? ", with storage that fails" : ""}.`,
);
const { requests, lostTokens, lostRecords, complaints, ends, faults } = await runChaos({
  seed,
  minutes,
  gpu,
  vault,
  storage,
  tell: (line) => console.log(line),
});
console.log("Ends:", ends);
console.log("Faults:", faults);
for (const complaint of complaints) console.log(`✗ ${complaint}`);
console.log(
  JSON.stringify({ seed, chaos_requests: requests, chaos_lost_tokens: lostTokens, chaos_lost_records: lostRecords }),
);
process.exitCode = complaints.length === 0 ? 0 : 1;
