/**
 * Byte-pair encoding of one word, however long: merges the pair of the lowest rank, the first of equals, until there is
 * none. The library does the same, in one piece. https://arxiv.org/abs/1508.07909
 *
 * @param ranks by the JSON of a pair
 */
export function* mergePairs(ranks: ReadonlyMap<string, number>, word: string): Generator<void, string[]> {
  const parts: string[] = [];
  for (const character of word) {
    if (parts.push(character) % AT_A_TIME === 0) yield;
  }
  const count = parts.length;
  const next = new Int32Array(count);
  const before = new Int32Array(count);
  /** Of pairs that may be merged: rank × count + place, so that the smallest comes first. */
  const heap: number[] = [];

  const rankAt = (place: number): number | undefined =>
    next[place]! < count ? ranks.get(JSON.stringify([parts[place], parts[next[place]!]])) : undefined;
  const offer = (place: number) => {
    const rank = rankAt(place);
    if (rank !== undefined) push(heap, rank * count + place);
  };

  for (let place = 0; place < count; place++) {
    next[place] = place + 1;
    before[place] = place - 1;
    offer(place);
    if (place % AT_A_TIME === 0) yield;
  }
  for (let merges = 0; heap.length > 0; merges++) {
    if (merges % AT_A_TIME === 0) yield;
    const smallest = pop(heap);
    const place = smallest % count;
    // One of the two may have been merged with another one since.
    if (parts[place] !== "" && rankAt(place) === Math.floor(smallest / count)) {
      const second = next[place]!;
      parts[place] += parts[second]!;
      parts[second] = "";
      next[place] = next[second]!;
      if (next[place]! < count) before[next[place]!] = place;
      if (before[place]! >= 0) offer(before[place]!);
      offer(place);
    }
  }
  return parts.filter((part) => part !== "");
}

const AT_A_TIME = 256;

/** A binary heap, its smallest first. */
function push(heap: number[], value: number): void {
  let place = heap.length;
  while (place > 0) {
    const parent = (place - 1) >> 1;
    if (heap[parent]! <= value) break;
    heap[place] = heap[parent]!;
    place = parent;
  }
  heap[place] = value;
}

function pop(heap: number[]): number {
  const smallest = heap[0]!;
  const last = heap.pop()!;
  if (heap.length === 0) return smallest;
  let place = 0;
  for (;;) {
    let child = 2 * place + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++;
    if (heap[child]! >= last) break;
    heap[place] = heap[child]!;
    place = child;
  }
  heap[place] = last;
  return smallest;
}
