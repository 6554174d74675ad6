import { prepend } from "./prepend.ts";

/**
 * Waits for a stream's first value, so that what goes wrong before it still gets a status. Returns the whole stream;
 * rejects as it does.
 */
export async function awaitFirst<T>(source: ReadableStream<T>): Promise<ReadableStream<T>> {
  const reader = source.getReader();
  const { done, value } = await reader.read();
  return prepend(done ? [] : [value], reader);
}
