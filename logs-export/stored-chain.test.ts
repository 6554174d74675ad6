import fc from "fast-check";
import { expect, test } from "vitest";
import { createVerifier, NO_CHAIN, relink } from "../core/log/chain.ts";
import { append, linkOf } from "../core/log/chain-records.ts";
import { endsOf } from "../core/log/checkpoint.ts";
import type { LogRecord } from "../core/log/log-record.ts";
import { openChain, readChain, writeChain } from "./stored-chain.ts";
import type { ChainRow, Upgradable } from "./tables.ts";

/** A transaction over the store of the chain, whose rows live on. */
function createStore() {
  const rows = new Map<string, unknown>();
  const written: string[] = [];
  const store = {
    get: async (key: string) => rows.get(key),
    async put(value: unknown, key: string) {
      rows.set(key, value);
      written.push(key);
    },
    async delete(key: string) {
      rows.delete(key);
    },
  };
  return { rows, written, tx: { objectStore: () => store } as unknown as Upgradable };
}

const recordOf = (id: string, prev_hash: string | null = null) => ({ id, prev_hash, salt: "salt" }) as LogRecord;
const stranger = (id: string) => recordOf(id, id.padStart(64, "f"));

const STEP = fc.oneof(
  { weight: 5, arbitrary: fc.constant({ type: "append" } as const) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("import" as const), count: fc.constantFrom(1, 3, 300) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("remove" as const), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.constant({ type: "sign" } as const) },
  { weight: 1, arbitrary: fc.constant({ type: "roll back" } as const) },
);

test("the chain that is stored is that of all records, whatever came and went, also by a version that knows of no tail", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(STEP, { maxLength: 25 }), async (steps) => {
      const { rows, tx } = createStore();
      let records: LogRecord[] = [];
      for (const [turn, step] of steps.entries()) {
        const chain = await openChain(tx);
        if (step.type === "append") records.push(chain.append(recordOf(`own-${turn}`)).record);
        if (step.type === "import") {
          for (let place = 0; place < step.count; place++) {
            records.push(chain.append(stranger(`${turn}${place}`)).record);
          }
        }
        if (step.type === "remove" && records.length > 0) {
          const [gone] = records.splice(step.at % records.length, 1);
          chain.remove(linkOf(gone!));
        }
        await chain.save();
        if (step.type === "sign") await writeChain(tx, { ...(await readChain(tx)), hasNewEnds: false });
        if (step.type === "roll back") {
          const before = (rows.get("chain") as ChainRow | undefined)?.chain ?? NO_CHAIN;
          const { line, link } = append(before.last, recordOf(`older-${turn}`));
          rows.set("chain", { chain: relink(before, { added: [link] }), checkpoint: null, hasNewEnds: false });
          records = [...records, line.record];
        }
        const { chain: stored } = await readChain(tx);
        const verifier = createVerifier(stored);
        for (const one of records) verifier.add({ ...linkOf(one), id: one.id, timestamp: "" });
        expect(verifier.end()).toBeNull();
      }
    }),
    { numRuns: 50 },
  );
});

test("a record that comes behind the last one writes neither the ends of a large import nor their signature again", async () => {
  const { rows, written, tx } = createStore();
  const importing = await openChain(tx);
  for (let place = 0; place < 1_000; place++) importing.append(stranger(`${place}`));
  expect(await importing.save()).toBe(true); // ends to be signed off
  const ends = rows.get("chain");
  written.length = 0;
  for (let turn = 0; turn < 3; turn++) {
    const chain = await openChain(tx);
    chain.append(recordOf(`own-${turn}`));
    chain.append(recordOf(`other-${turn}`));
    expect(await chain.save()).toBe(false);
  }
  expect(written).toEqual(["tail", "tail", "tail"]);
  expect(rows.get("chain")).toBe(ends);
  expect(endsOf((await readChain(tx)).chain).heads).toHaveLength(1_000);
});
