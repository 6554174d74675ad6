import { type Change, type Link, lastWith, lastWithout, NO_CHAIN, relink } from "../core/log/chain.ts";
import { append, isLinked } from "../core/log/chain-records.ts";
import { endsOf, hasSameEnds, NO_ENDS } from "../core/log/checkpoint.ts";
import type { LogLine } from "../core/log/log-line.ts";
import type { LogRecord } from "../core/log/log-record.ts";
import { CHAIN, type ChainRow, type ChainStore, TAIL, type Upgradable } from "./tables.ts";

/** From so many on, ends are not read and written with each record: what came behind the last one is a link of its own. */
const MANY_ENDS = 256;

type Readable = { objectStore(name: "chain"): Pick<ChainStore, "get"> };
type Writable = { objectStore(name: "chain"): Pick<ChainStore, "get" | "put" | "delete"> };

export interface StoredChain {
  append(record: LogRecord): LogLine;
  remove(link: Link): void;
  /** @returns whether the chain has ends now that no checkpoint signs off */
  save(): Promise<boolean>;
}

const NO_ROW: ChainRow = { chain: NO_CHAIN, checkpoint: null, hasNewEnds: false };

const rowIn = async (tx: Readable) => ((await tx.objectStore("chain").get(CHAIN)) as ChainRow | undefined) ?? NO_ROW;
const tailIn = async (tx: Readable) => (await tx.objectStore("chain").get(TAIL)) as Link | undefined;

/** The chain of all records. A version that knows of no tail, and was rolled back to, went on from where the tail began. */
export async function readChain(tx: Readable): Promise<ChainRow> {
  const [row, tail] = await Promise.all([rowIn(tx), tailIn(tx)]);
  if (!tail) return row;
  const hasNewEnds = row.hasNewEnds || row.chain.last !== tail.prev;
  return { ...row, chain: relink(row.chain, { added: [tail] }), hasNewEnds };
}

/** All of it: the next tail begins here. */
export async function writeChain(tx: Writable, row: ChainRow): Promise<void> {
  const { last, starts, heads } = row.chain;
  const store = tx.objectStore("chain");
  await store.put(row, CHAIN);
  if (starts.length + heads.length > MANY_ENDS) await store.put({ prev: last, hash: last }, TAIL);
  else await store.delete(TAIL);
}

/** All changes of the chain in a transaction. */
export async function openChain(tx: Upgradable): Promise<StoredChain> {
  const tail = await tailIn(tx);
  let last = tail?.hash ?? (await rowIn(tx)).chain.last;
  const changes: Change[] = [];
  /** Nothing but records that ended here, each behind the last one: no end is another. */
  let isGrown = true;

  return {
    append(record) {
      const { line, link } = append(last, record);
      isGrown &&= !isLinked(record);
      last = lastWith(last, link);
      changes.push({ added: [link] });
      return line;
    },
    remove(link) {
      isGrown = false;
      last = lastWithout(last, link);
      changes.push({ removed: [link] });
    },
    async save() {
      if (changes.length === 0) return false;
      if (tail && isGrown) {
        await tx.objectStore("chain").put({ prev: tail.prev, hash: last }, TAIL);
        return false;
      }
      const { chain: before, checkpoint } = await readChain(tx);
      const chain = relink(before, ...changes);
      const hasNewEnds = !hasSameEnds(endsOf(chain), checkpoint ?? NO_ENDS);
      await writeChain(tx, { chain, checkpoint, hasNewEnds });
      return hasNewEnds;
    },
  };
}
