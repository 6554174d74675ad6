import { refuse } from "./schema.ts";

/** Alternatives tried, and characters compared: some 100 ms. A schema of 10 kB takes some 50,000. */
const MAX_STEPS = 2_000_000;
/** As deep as a body may be nested; but a `$ref` leads deeper without any nesting. */
const MAX_DEPTH = 200;

/**
 * What it takes to read a schema. Counted, and not timed: what is refused on one machine is refused on each. All that
 * reads goes through here, so no schema takes without end, and none goes deeper than the stack.
 */
export class Effort {
  #steps = 0;
  #depth = 0;

  spend(steps = 1): void {
    this.#steps += steps;
    if (this.#steps > MAX_STEPS) refuse(`to read it takes more than ${MAX_STEPS / 1e6} million steps`);
  }

  /** From now on nothing is counted: what was read is not read again. */
  end(): void {
    this.#steps = Number.NEGATIVE_INFINITY;
  }

  /** Reads what is one level further in. */
  deeper<T>(read: () => T): T {
    if (this.#depth === MAX_DEPTH) refuse(`it leads more than ${MAX_DEPTH} levels deep, its \`$ref\`s among them`);
    this.spend();
    this.#depth++;
    try {
      return read();
    } finally {
      this.#depth--;
    }
  }
}
