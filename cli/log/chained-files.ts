import { access, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Chain, type Link, NO_CHAIN, relink } from "../../core/log/chain.ts";
import { appendAll, isLinked, linkOf } from "../../core/log/chain-records.ts";
import { endsOf, hasSameEnds, NO_ENDS, newSigningKey, type SigningKey, signOff } from "../../core/log/checkpoint.ts";
import { hashOf } from "../../core/log/hash.ts";
import type { LogRecord, SignedChain } from "../../core/log/log-record.ts";
import { createDayFiles, dayOf } from "./day-files.ts";
import { replaceFile } from "./replace-file.ts";

const OWNER_ONLY = 0o600;

/** What is about to be done to the files of these days, in case that it is not done to its end. */
interface Plan {
  readonly days: readonly string[];
  readonly added: readonly Link[];
  readonly removed: readonly Link[];
}

export type ChainedFiles = ReturnType<typeof createChainedFiles>;

/** The log's files with a chain through all their records. Whoever changes them, or reads the chain, holds the folder's lock. */
export function createChainedFiles(folder: string) {
  const files = createDayFiles(folder);
  const chainPath = join(folder, "chain.json");
  const keyPath = join(folder, "chain-key.json");
  const planPath = join(folder, "chain-plan.json");

  const read = async <T>(path: string): Promise<T | null> => {
    const text = await readFile(path, "utf8").catch(() => null);
    return text === null ? null : (JSON.parse(text) as T);
  };
  const signed = async (): Promise<SignedChain> => (await read(chainPath)) ?? { chain: NO_CHAIN, checkpoint: null };
  const chain = async (): Promise<Chain> => (await signed()).chain;
  const keyOf = async (): Promise<SigningKey> => {
    const kept = await read<SigningKey>(keyPath);
    if (kept) return kept;
    const key = await newSigningKey();
    await replaceFile(keyPath, JSON.stringify(key), OWNER_ONLY);
    return key;
  };
  const save = async (changed: Chain): Promise<void> => {
    const { checkpoint } = await signed();
    const ends = endsOf(changed);
    const isSigned = hasSameEnds(ends, checkpoint ?? NO_ENDS);
    const now = { chain: changed, checkpoint: isSigned ? checkpoint : await signOff(ends, await keyOf(), Date.now()) };
    await replaceFile(chainPath, JSON.stringify(now));
  };

  const carryOut = async (plan: Plan, before: Chain, work: () => Promise<void>): Promise<void> => {
    await replaceFile(planPath, JSON.stringify(plan));
    await work();
    await save(relink(before, plan));
    await rm(planPath);
  };

  /** Some process died while it carried out a plan: what it did of it is in the chain from now on. */
  const repair = async (): Promise<void> => {
    const plan = await read<Plan>(planPath);
    if (!plan) return;
    const { days, added, removed } = plan;
    const there = new Set<string>();
    const all = new Set(await files.days());
    for (const day of days) {
      if (all.has(day)) for await (const record of files.recordsOf(day)) there.add(hashOf(record));
    }
    const done = {
      added: added.filter(({ hash }) => there.has(hash)),
      removed: removed.filter(({ hash }) => !there.has(hash)),
    };
    await save(relink(await chain(), done));
    await rm(planPath);
  };

  /** Those that ended here go behind the last one that did. */
  const appendLinked = async (records: readonly LogRecord[]): Promise<LogRecord[]> => {
    if (records.length === 0) return [];
    await repair();
    const before = await chain();
    const { links, linked } = appendAll(before.last, records);
    const days = [...new Set(linked.map(({ timestamp_ns }) => dayOf(timestamp_ns)))];
    await carryOut({ days, added: links, removed: [] }, before, () => files.append(linked));
    return linked;
  };

  /** Leaves out what `isGone`; returns how many those were. */
  const remove = async (day: string, isGone: (record: LogRecord) => boolean): Promise<number> => {
    if (!(await files.days()).includes(day)) return 0;
    await repair();
    const gone: LogRecord[] = [];
    const kept: LogRecord[] = [];
    for await (const record of files.recordsOf(day)) (isGone(record) ? gone : kept).push(record);
    if (gone.length === 0) return 0;
    const plan = { days: [day], added: [], removed: gone.filter(isLinked).map(linkOf) };
    await carryOut(plan, await chain(), () => files.replace(day, kept));
    return gone.length;
  };

  return {
    days: files.days,
    recordsOf: files.recordsOf,
    pagesOf: files.pagesOf,
    bytes: files.bytes,
    stampOf: files.stampOf,
    append: appendLinked,
    remove,
    async chain(): Promise<SignedChain> {
      await repair();
      return signed();
    },
    /** What versions without a chain have written. */
    async adopt(): Promise<void> {
      const isChained = await access(chainPath).then(
        () => true,
        () => false,
      );
      if (isChained) return;
      let now = NO_CHAIN;
      for (const day of await files.days()) {
        const records: LogRecord[] = [];
        for await (const record of files.recordsOf(day)) records.push({ ...record, prev_hash: null });
        const { links, linked } = appendAll(now.last, records);
        now = relink(now, { added: links });
        await files.replace(day, linked);
      }
      await save(now);
    },
  };
}
