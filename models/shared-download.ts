import { asVaultError, type VaultError } from "../core/errors.ts";
import type { Progress } from "../core/protocol.ts";
import { cancelled } from "./retry.ts";
import { createSpeed } from "./speed.ts";
import { throttle } from "./throttle.ts";

/** Progress is for people: more often is a waste. */
const PROGRESS_MS = 100;

interface Caller {
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}

export interface SharedDownload {
  readonly progress: Progress & { readonly bytesPerSecond: number; readonly retrying: string | null };
  /** Nothing is written any more: how it ended, `null` if well. */
  readonly ended: Promise<VaultError | null>;
  /** For one more caller. Rejects with `load-cancelled` as soon as its signal aborts. */
  join(caller: Caller): Promise<void>;
  /** For all callers. */
  stop(): void;
  readonly stopped: boolean;
}

/** What a download is told and tells. */
export interface DownloadHandle {
  readonly signal: AbortSignal;
  readonly onLoaded: (loadedBytes: number, totalBytes: number) => void;
  readonly onRetrying: (reason: string | null) => void;
}

/** One download for several callers: it stops when the last one leaves. */
export function shareDownload(run: (handle: DownloadHandle) => Promise<void>, onChange: () => void): SharedDownload {
  const stop = new AbortController();
  const callers = new Set<Caller>();
  const speed = createSpeed();
  let progress: SharedDownload["progress"] = { loadedBytes: 0, totalBytes: 0, bytesPerSecond: 0, retrying: null };

  const tell = throttle(PROGRESS_MS, () => {
    const { loadedBytes, totalBytes } = progress;
    for (const { onProgress } of callers) onProgress?.({ loadedBytes, totalBytes });
    onChange();
  });
  const update = (news: Partial<SharedDownload["progress"]>) => {
    progress = { ...progress, ...news };
    tell();
  };

  const ended = run({
    signal: stop.signal,
    onLoaded: (loadedBytes, totalBytes) =>
      update({ loadedBytes, totalBytes, bytesPerSecond: speed(loadedBytes, performance.now()) }),
    onRetrying: (retrying) => {
      if (retrying !== progress.retrying) update({ retrying });
    },
  }).then(
    () => null,
    (cause: unknown) => asVaultError(stop.signal.aborted ? cancelled() : cause),
  );
  void ended.then(() => tell.flush());

  return {
    get progress() {
      return progress;
    },
    ended,
    stop: () => stop.abort(),
    get stopped() {
      return stop.signal.aborted;
    },
    async join(caller) {
      callers.add(caller);
      try {
        const error = await Promise.race([ended, whenAborted(caller.signal), whenAborted(stop.signal)]);
        if (error) throw error;
      } finally {
        callers.delete(caller);
        if (callers.size === 0) stop.abort(); // has no effect on one that has ended
      }
    },
  };
}

/** Never, without a signal. */
export const whenAborted = (signal: AbortSignal | undefined): Promise<VaultError> =>
  new Promise((resolve) => {
    if (signal?.aborted) resolve(cancelled());
    signal?.addEventListener("abort", () => resolve(cancelled()), { once: true });
  });
