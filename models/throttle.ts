/** At once, and then at most once per interval; what comes last is never lost. */
export function throttle(ms: number, task: () => void): { (): void; flush(): void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let pending = false;
  const run = () => {
    pending = false;
    clearTimeout(timer);
    timer = setTimeout(() => {
      timer = undefined;
      if (pending) run();
    }, ms);
    task();
  };
  const throttled = () => {
    pending = true;
    if (timer === undefined) run();
  };
  return Object.assign(throttled, {
    flush: () => {
      if (pending) run();
    },
  });
}
