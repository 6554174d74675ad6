import { VaultError } from "../errors.ts";
import { type Chain, createVerifier } from "./chain.ts";
import { type Checkpoint, endsOf, hasSameEnds, isSignedOff, NO_ENDS } from "./checkpoint.ts";
import type { LogLine } from "./log-line.ts";
import { EVERYTHING } from "./log-query.ts";
import type { LogSink } from "./log-record.ts";

/** An exchange that ends meanwhile changes what is verified. */
const TRIES = 5;

const PROBLEMS = {
  predecessor: "The record before this one was changed or is missing, or this one was put in.",
  successor: "This record was changed, or the one behind it is missing.",
  end: "The last records are missing.",
  checkpoint: "Records were deleted or added by somebody else: the chain has ends that the log did not sign off.",
};

/** Reads the whole log. What was deleted on purpose is no break: its neighbours are ends, which a checkpoint signs off. */
export async function verifyLog(log: LogSink) {
  for (let time = 0; time < TRIES; time++) {
    const { chain, checkpoint } = await log.chain();
    const verifier = createVerifier(chain);
    const records = await feed(log.read(EVERYTHING), verifier);
    if (!isSame(chain, (await log.chain()).chain)) continue;
    const broken = verifier.end() ?? ((await isSigned(chain, checkpoint)) ? null : UNSIGNED);
    return {
      whole: broken === null,
      records,
      first_broken: broken && { ...broken, problem: PROBLEMS[broken.problem] },
      starts: chain.starts,
      heads: chain.heads,
      checkpoint,
    };
  }
  throw new VaultError("log-busy", "Exchanges end faster than the log can be read. Try again when there are fewer.");
}

const UNSIGNED = { id: null, problem: "checkpoint" } as const;

async function isSigned(chain: Chain, checkpoint: Checkpoint | null): Promise<boolean> {
  const isAsSigned = hasSameEnds(endsOf(chain), checkpoint ?? NO_ENDS);
  return isAsSigned && (checkpoint === null || (await isSignedOff(checkpoint)));
}

async function feed(pages: ReadableStream<readonly LogLine[]>, verifier: ReturnType<typeof createVerifier>) {
  let records = 0;
  const reader = pages.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    for (const line of next.value) {
      const record = line.readable;
      if (!record) continue; // then its neighbours miss it
      const { prev_hash: prev, id, timestamp } = record;
      if (prev === null) continue; // it is going on
      verifier.add({ prev, hash: line.hash, id, timestamp });
      records++;
    }
  }
  return records;
}

const isSame = (a: Chain, b: Chain): boolean => JSON.stringify(a) === JSON.stringify(b);
