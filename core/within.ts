/**
 * Settles as `promise` does. Each time that `ms` pass without that, `late` is asked what to reject with; nothing means:
 * wait on. The promise itself goes on either way.
 */
export async function within<T>(promise: Promise<T>, ms: number, late: () => Promise<Error | null>): Promise<T> {
  const settled = promise.then(
    () => true,
    () => true,
  );
  for (;;) {
    const { promise: passed, stop } = timer(ms);
    const inTime = await Promise.race([settled, passed]);
    stop();
    if (inTime) return promise;
    const error = await late();
    if (error) throw error;
  }
}

function timer(ms: number) {
  let handle: ReturnType<typeof setTimeout> | undefined;
  const promise = new Promise<false>((resolve) => {
    handle = setTimeout(() => resolve(false), ms);
  });
  return { promise, stop: () => clearTimeout(handle) };
}
