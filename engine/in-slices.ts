import { createMutex } from "./mutex.ts";
import { nextTask } from "./next-task.ts";

/** Several of these may pass between two tokens of an answer. */
const SLICE_MS = 8;

const alone = createMutex();

/**
 * Runs long work a slice at a time. Between two slices, whosever they are, the event loop turns once: a cancel is heard,
 * and an answer that is under way gets its next token. Those who work at the same time take turns.
 *
 * @param steps each as short as may be, and none above some milliseconds
 */
export async function inSlices<T>(steps: Iterator<void, T>, cancelled?: AbortSignal): Promise<T> {
  for (;;) {
    const last = await alone(async () => {
      cancelled?.throwIfAborted();
      const endMs = performance.now() + SLICE_MS;
      do {
        const step = steps.next();
        if (step.done) return step;
      } while (performance.now() < endMs);
      await nextTask();
      return null;
    });
    if (last) return last.value;
  }
}

/** In one piece. */
export function atOnce<T>(steps: Iterator<void, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}
