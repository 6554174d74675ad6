/** The tokens of a generation so far, as the penalties ask for them. */
export interface History {
  /** How often the answer has each of its tokens. */
  readonly answerCounts: ReadonlyMap<number, number>;
  /** The different ones among the last `window` tokens of prompt and answer; -1: among all. */
  recent(window: number): Iterable<number>;
  push(tokenId: number): void;
}

export function createHistory(promptIds: readonly number[]): History {
  const all = [...promptIds];
  const seen = new Set(promptIds);
  const answerCounts = new Map<number, number>();
  return {
    answerCounts,
    recent(window) {
      if (window === 0) return [];
      return window === -1 ? seen : new Set(all.slice(-window));
    },
    push(tokenId) {
      all.push(tokenId);
      seen.add(tokenId);
      answerCounts.set(tokenId, (answerCounts.get(tokenId) ?? 0) + 1);
    },
  };
}
