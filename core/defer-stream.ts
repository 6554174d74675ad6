/**
 * A stream whose source is opened by its first read, so that a response can start now and wait inside its
 * body. That is where a host hears of a client that went away: no engine aborts `FetchEvent.request.signal`,
 * all three cancel the body. https://github.com/w3c/ServiceWorker/issues/1544
 *
 * `onEnd` runs whichever way the stream ends, perhaps more than once.
 */
export function deferStream<T>(
  open: () => Promise<ReadableStream<T>>,
  onEnd: () => void = () => {},
): ReadableStream<T> {
  let reader: ReadableStreamDefaultReader<T> | undefined;
  let cancelled = false;
  return new ReadableStream<T>(
    {
      async pull(controller) {
        try {
          if (!reader) {
            const source = await open();
            // A cancel that came while the source was opening found nothing to cancel.
            if (cancelled) return await source.cancel();
            reader = source.getReader();
          }
          const { done, value } = await reader.read();
          if (!done) return controller.enqueue(value);
          onEnd();
          controller.close();
        } catch (cause) {
          onEnd();
          throw cause;
        }
      },
      async cancel(reason) {
        cancelled = true;
        try {
          await reader?.cancel(reason);
        } finally {
          onEnd();
        }
      },
    },
    { highWaterMark: 0 },
  );
}
