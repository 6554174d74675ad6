import { VaultError } from "./errors.ts";
import type { TokenEvent } from "./protocol.ts";

/**
 * Waits for the first event and throws if it is an error, so that whatever goes wrong up to the end of prefill
 * still gets a status of its own. The stream that comes back starts with that first event.
 */
export async function awaitStart(events: ReadableStream<TokenEvent>): Promise<ReadableStream<TokenEvent>> {
  const reader = events.getReader();
  const first = await reader.read();
  if (first.value?.type === "error") throw VaultError.fromWire(first.value.error);
  return new ReadableStream<TokenEvent>(
    {
      start(controller) {
        if (first.value) controller.enqueue(first.value);
      },
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
