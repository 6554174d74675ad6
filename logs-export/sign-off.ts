import { endsOf, hasSameEnds, newSigningKey, type SigningKey, signOff } from "../core/log/checkpoint.ts";
import { readChain, writeChain } from "./stored-chain.ts";
import { type Database, SIGNING } from "./tables.ts";

/** Signs off the ends that our own changes left. Not in their transactions: none waits for `crypto.subtle`. */
export async function signOffEnds(db: Database, nowMs: number): Promise<void> {
  const { chain, hasNewEnds } = await readChain(db.transaction("chain"));
  if (!hasNewEnds) return;
  const ends = endsOf(chain);
  const checkpoint = await signOff(ends, await signingKey(db), nowMs);
  const tx = db.transaction("chain", "readwrite");
  const now = await readChain(tx);
  if (hasSameEnds(endsOf(now.chain), ends)) await writeChain(tx, { ...now, checkpoint, hasNewEnds: false });
  await tx.done; // else whoever changed them meanwhile signs them off
}

async function signingKey(db: Database): Promise<SigningKey> {
  const kept = await db.get("keys", SIGNING);
  if (kept) return kept as SigningKey;
  const made = await newSigningKey();
  const tx = db.transaction("keys", "readwrite");
  const other = await tx.store.get(SIGNING); // of another tab
  if (!other) await tx.store.put(made, SIGNING);
  await tx.done;
  return (other as SigningKey | undefined) ?? made;
}
