import { SingleBar } from "cli-progress";
import { inMegabytes } from "./words.ts";

interface ShownProgress {
  loaded(loadedBytes: number, totalBytes: number): void;
  retrying(reason: string | null): void;
  published(path: string): void;
  stop(): void;
}

/** A bar in a terminal; elsewhere, in a log say, a line for each file. */
export function showProgress(): ShownProgress {
  if (!process.stderr.isTTY) {
    return {
      loaded: () => {},
      retrying: (reason) => reason && console.error(`${reason}; trying again`),
      published: (path) => console.error(`${path} is here`),
      stop: () => {},
    };
  }
  const bar = new SingleBar({
    format: "{bar} {percentage} %  {amount}  {note}",
    barCompleteChar: "█",
    barIncompleteChar: "░",
    barsize: 30,
    hideCursor: true,
    gracefulExit: false, // Ctrl+C is ours
  });
  let begunMs = 0;
  let begunBytes = 0;
  let isWaiting = false;
  let shown = { amount: "", note: "" };
  return {
    loaded(loadedBytes, totalBytes) {
      if (begunMs === 0) {
        begunMs = Date.now();
        begunBytes = loadedBytes;
        bar.start(totalBytes, loadedBytes, shown);
      }
      const note = isWaiting
        ? shown.note
        : paceOf(loadedBytes, totalBytes, loadedBytes - begunBytes, Date.now() - begunMs);
      shown = { amount: `${inMegabytes(loadedBytes)} of ${inMegabytes(totalBytes)}`, note };
      bar.update(loadedBytes, shown);
    },
    retrying(reason) {
      isWaiting = reason !== null;
      if (reason === null) return;
      shown = { ...shown, note: `waiting: ${reason}` };
      bar.update(shown);
    },
    published: () => {},
    stop() {
      if (begunMs > 0) bar.stop();
    },
  };
}

/** `12 MB/s, 8 s left`; nothing in the first second, which says little. */
function paceOf(loadedBytes: number, totalBytes: number, newBytes: number, ms: number): string {
  if (loadedBytes === totalBytes || ms < 1000) return "";
  const bytesPerSecond = (newBytes / ms) * 1000;
  const left = Math.ceil((totalBytes - loadedBytes) / bytesPerSecond);
  const time = left < 100 ? `${left} s` : `${Math.ceil(left / 60)} min`;
  return Number.isFinite(left) ? `${inMegabytes(bytesPerSecond)}/s, ${time} left` : "";
}
