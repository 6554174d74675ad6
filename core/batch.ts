export interface BatchOptions<T> {
  readonly maxItems: number;
  /** From the first of them. */
  readonly maxMs: number;
  readonly onFull: (items: readonly T[]) => void;
}

export interface Batch<T> {
  add(item: T): void;
  /** Takes what was not handed on yet. */
  rest(): readonly T[];
}

/** Hands items on together, in their order: so many at a time, and none later than so long after it came. */
export function createBatch<T>({ maxItems, maxMs, onFull }: BatchOptions<T>): Batch<T> {
  let items: T[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;

  const rest = () => {
    clearTimeout(timer);
    timer = undefined;
    const taken = items;
    items = [];
    return taken;
  };
  const flush = () => onFull(rest());
  return {
    add(item) {
      items.push(item);
      timer ??= setTimeout(flush, maxMs);
      if (items.length >= maxItems) flush();
    },
    rest,
  };
}
