import { type Ledger, openLedger } from "./ledger.ts";
import { ALL, type Database, type Transaction } from "./tables.ts";

export type Change<T> = (tx: Transaction, ledger: Ledger) => Promise<T>;

/** A change that waits for its transaction. */
interface Waiting {
  readonly db: Database;
  run(tx: Transaction, ledger: Ledger): Promise<void>;
  resolve(): void;
  reject(cause: unknown): void;
}

export interface Writer {
  /** A change that touches a record of its own: it shares a transaction with others, and runs beside them. */
  together<T>(db: Database, change: Change<T>): Promise<T>;
  /** A change in a transaction of its own. */
  alone<T>(db: Database, change: Change<T>): Promise<T>;
}

export interface WriterOptions {
  /** Once in each transaction, after its changes. */
  finish(tx: Transaction, ledger: Ledger): Promise<void>;
  /** `hasNewEnds`: see `Ledger.save`. */
  onCommit(db: Database, hasNewEnds: boolean): void;
}

/**
 * Writes of the log. What is asked for while a transaction is under way shares the next one: a commit costs more than
 * what is written in it.
 */
export function createWriter({ finish, onCommit }: WriterOptions): Writer {
  let waiting: Waiting[] = [];
  let isRunning = false;

  const commit = async <T>(db: Database, change: Change<T>): Promise<T> => {
    const tx = db.transaction(ALL, "readwrite");
    let hasNewEnds: boolean;
    let result: T;
    try {
      const ledger = await openLedger(tx);
      result = await change(tx, ledger);
      await finish(tx, ledger);
      hasNewEnds = await ledger.save();
      tx.commit(); // else it waits to see whether anything is asked for still
    } catch (cause) {
      tx.done.catch(() => {}); // it is told by its cause
      abort(tx);
      throw cause;
    }
    await tx.done;
    onCommit(db, hasNewEnds);
    return result;
  };

  const runBatch = async (batch: readonly Waiting[]): Promise<void> => {
    const [first] = batch;
    if (!first) return;
    try {
      await commit(first.db, async (tx, ledger) => {
        await Promise.all(batch.map(({ run }) => run(tx, ledger)));
      });
      for (const { resolve } of batch) resolve();
    } catch (cause) {
      // One that cannot be stored takes all of its transaction with it: each on its own, then.
      if (batch.length === 1) first.reject(cause);
      else for (const one of batch) await runBatch([one]);
    }
  };

  const run = async (): Promise<void> => {
    isRunning = true;
    while (waiting.length > 0) {
      const { db } = waiting[0]!;
      const batch = waiting.filter((one) => one.db === db);
      waiting = waiting.filter((one) => one.db !== db);
      await runBatch(batch);
    }
    isRunning = false;
  };

  return {
    together<T>(db: Database, change: Change<T>) {
      return new Promise<T>((resolve, reject) => {
        let result: T;
        waiting.push({
          db,
          run: async (tx, ledger) => {
            result = await change(tx, ledger);
            await finish(tx, ledger);
          },
          resolve: () => resolve(result),
          reject,
        });
        if (!isRunning) void run();
      });
    },
    alone: commit,
  };
}

function abort(tx: Transaction): void {
  try {
    tx.abort();
  } catch {
    // it has aborted by itself
  }
}
