export interface Begun<T> {
  /** `undefined` if the stream was empty. */
  readonly first: T | undefined;
  /** The whole stream, from that value on. */
  readonly stream: ReadableStream<T>;
}

/** Waits for a stream's first value, so that what goes wrong before it still gets a status. Rejects as the stream does. */
export async function awaitFirst<T>(source: ReadableStream<T>): Promise<Begun<T>> {
  const reader = source.getReader();
  const { done, value: first } = await reader.read();
  const stream = new ReadableStream<T>(
    {
      start(controller) {
        if (done) controller.close();
        else controller.enqueue(first);
      },
      async pull(controller) {
        const next = await reader.read();
        if (next.done) controller.close();
        else controller.enqueue(next.value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  return { first, stream };
}
