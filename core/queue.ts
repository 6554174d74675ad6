import { VaultError } from "./errors.ts";

export interface Ticket {
  /** Settles when it is this ticket's turn; never, if the ticket leaves before. */
  readonly turn: Promise<void>;
  /** There is nothing left to wait for but the turn. Until then others go first. */
  ready(): void;
  /** Gives up the place or the turn; calling it again does nothing. */
  leave(): void;
}

export interface Queue {
  readonly active: number;
  readonly waiting: number;
  /** Beside the one whose turn it is. */
  maxWaiting: number;
  /** Whether `enter()` would throw. */
  readonly isFull: boolean;
  /**
   * Throws `queue-full` at once, so that the host can still answer with a status.
   *
   * @param more how many more may wait: while a model comes, whoever asked for it may be gone
   */
  enter(more?: number): Ticket;
}

interface Place {
  readonly go: () => void;
  isReady: boolean;
}

export const DEFAULT_MAX_WAITING = 8;

/**
 * One holder at a time, first in first out: a decode step uses the whole device. Who still waits for a model to come
 * holds up nobody whose model is there.
 */
export function createQueue(maxWaiting = DEFAULT_MAX_WAITING): Queue {
  const line = new Set<Place>();
  let active: Place | undefined;

  const next = () => {
    active ??= [...line].find(({ isReady }) => isReady);
    active?.go();
  };

  const queue: Queue = {
    get active() {
      return active ? 1 : 0;
    },
    get waiting() {
      return line.size - (active ? 1 : 0);
    },
    maxWaiting,
    get isFull() {
      return line.size > queue.maxWaiting;
    },
    enter(more = 0) {
      if (line.size > queue.maxWaiting + more) {
        throw new VaultError("queue-full", `${queue.maxWaiting} requests are waiting already. Try again in a moment.`);
      }
      let go!: () => void;
      const turn = new Promise<void>((resolve) => {
        go = resolve;
      });
      const place: Place = { go, isReady: false };
      line.add(place);
      return {
        turn,
        ready() {
          place.isReady = true;
          next();
        },
        leave() {
          line.delete(place);
          if (active === place) active = undefined;
          next();
        },
      };
    },
  };
  return queue;
}
