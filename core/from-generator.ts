/**
 * `ReadableStream.from`, which Chromium lacks: a step is made when it is read. A generator hears of a cancel where it
 * yields; one that takes long to get there also by `cancelling`.
 */
export function fromGenerator<T>(values: AsyncGenerator<T, void>, cancelling?: AbortController): ReadableStream<T> {
  return new ReadableStream<T>(
    {
      async pull(controller) {
        const { done, value } = await values.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel(reason) {
        cancelling?.abort(reason);
        await values.return();
      },
    },
    { highWaterMark: 0 },
  );
}
