// node verify-log.mjs LOG.jsonl VERIFY.json: an export of the whole log, and what GET /logs/verify said of it.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const [logText, verifyText] = process.argv.slice(2).map((path) => readFileSync(path, "utf8"));
const { starts, heads } = JSON.parse(verifyText);
const lines = logText.split("\n").filter((line) => line !== "" && JSON.parse(line).prev_hash !== null);
const hashes = [...lines.map((line) => createHash("sha256").update(line).digest("hex")), ...starts];
const named = [...lines.map((line) => JSON.parse(line).prev_hash), ...heads];
const isWhole = hashes.sort().join() === named.sort().join();
console.log(isWhole ? `${lines.length} records: none was changed, none is missing.` : "Not whole.");
process.exitCode = isWhole ? 0 : 1;
