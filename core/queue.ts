import { VaultError } from "./errors.ts";

export interface Ticket {
  /** Settles when it is this ticket's turn; never, if the ticket leaves before. */
  readonly turn: Promise<void>;
  /** Gives up the place or the turn; calling it again does nothing. */
  leave(): void;
}

export interface Queue {
  readonly active: number;
  readonly waiting: number;
  readonly maxWaiting: number;
  /** Throws `queue-full` at once, so that the host can still answer with a status. */
  enter(): Ticket;
}

/** One holder at a time, first in first out: a decode step uses the whole device. */
export function createQueue(maxWaiting: number): Queue {
  const line: Array<() => void> = [];

  return {
    get active() {
      return Math.min(1, line.length);
    },
    get waiting() {
      return Math.max(0, line.length - 1);
    },
    maxWaiting,
    enter() {
      if (line.length > maxWaiting) {
        throw new VaultError("queue-full", `${maxWaiting} requests are waiting already. Try again in a moment.`);
      }
      let go!: () => void;
      const turn = new Promise<void>((resolve) => {
        go = resolve;
      });
      if (line.push(go) === 1) go();
      return {
        turn,
        leave() {
          const place = line.indexOf(go);
          if (place === -1) return;
          line.splice(place, 1);
          if (place === 0) line[0]?.();
        },
      };
    },
  };
}
