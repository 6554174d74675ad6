/**
 * A stream whose source is opened by its first read, so that a response can start now and wait inside its
 * body. That is where a host hears of a client that went away: no engine aborts `FetchEvent.request.signal`,
 * all three cancel the body. https://github.com/w3c/ServiceWorker/issues/1544
 *
 * `onEnd` runs once, whichever way the stream ends; `open` sees by its signal that it has.
 */
export function deferStream<T>(
  open: (ended: AbortSignal) => Promise<ReadableStream<T>>,
  onEnd: () => void = () => {},
): ReadableStream<T> {
  const ending = new AbortController();
  const ended = ending.signal;
  ended.addEventListener("abort", onEnd);
  let reader: ReadableStreamDefaultReader<T> | undefined;
  return new ReadableStream<T>(
    {
      async pull(controller) {
        try {
          if (!reader) {
            const source = await open(ended);
            // A cancel that came while the source was opening found nothing to cancel.
            if (ended.aborted) return await source.cancel();
            reader = source.getReader();
          }
          const { done, value } = await reader.read();
          if (!done) return controller.enqueue(value);
          ending.abort();
          controller.close();
        } catch (cause) {
          ending.abort();
          throw cause;
        }
      },
      // Whoever waits goes on at once: the source may take its time, since it may be computing.
      async cancel(reason) {
        ending.abort();
        await reader?.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
