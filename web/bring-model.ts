import {
  type ImportToPage,
  type PageToImport,
  type PickedFile,
  STATUS_CHANNEL,
  type StatusMessage,
} from "../core/protocol.ts";
import { askToKeep } from "./ask-to-keep.ts";

export interface Bringing {
  /** What is stored so far is deleted. */
  cancel(): void;
}

/** Firefox 153 collects a worker that only its own listeners refer to, even while it waits for the file system. */
const atWork = new Set<Worker>();

/** Stores a model from the disk, in a worker of its own. The last call of `onNews` is none of progress. */
export function bringModel(
  files: readonly PickedFile[],
  taken: readonly string[],
  onNews: (news: ImportToPage) => void,
): Bringing {
  const worker = new Worker(new URL("../models/import-worker.ts", import.meta.url), { type: "module" });
  atWork.add(worker);
  const send = (message: PageToImport) => worker.postMessage(message);
  const end = (news: ImportToPage) => {
    worker.terminate();
    atWork.delete(worker);
    onNews(news);
    const channel = new BroadcastChannel(STATUS_CHANNEL);
    channel.postMessage({ type: "ask-status" } satisfies StatusMessage); // the library looks anew at what is stored
    channel.close();
  };
  worker.addEventListener("message", ({ data }: MessageEvent<ImportToPage>) => {
    if (data.type === "progress") onNews(data);
    else end(data);
  });
  worker.addEventListener("error", () => end({ type: "refused", problems: [NO_WORKER] }));
  askToKeep();
  send({ type: "import", files, taken });
  return { cancel: () => send({ type: "cancel" }) };
}

const NO_WORKER = "The page cannot load what it needs for this. Check the connection and reload.";
