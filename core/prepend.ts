/** Values that were read already, and then what is left in the reader. */
export function prepend<T>(values: readonly T[], reader: ReadableStreamDefaultReader<T>): ReadableStream<T> {
  const left = [...values];
  return new ReadableStream<T>(
    {
      async pull(controller) {
        if (left.length > 0) return controller.enqueue(left.shift()!);
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
