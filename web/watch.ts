import {
  type EngineStatus,
  type ListedModel,
  LOG_CHANNEL,
  type LogMessage,
  STATUS_CHANNEL,
  type StatusMessage,
} from "../core/protocol.ts";

export interface EngineWatch {
  /** Asks the engine to try the configured model again. */
  retry(): void;
  /** Asks for the state again. */
  ask(): void;
  stop(): void;
}

export interface EngineNews {
  onStatus(status: EngineStatus): void;
  onModels(models: readonly ListedModel[]): void;
}

/** Tells the engine's state and its models, now and whenever they change, whichever tab hosts it. */
export function watchEngine({ onStatus, onModels }: EngineNews): EngineWatch {
  const channel = new BroadcastChannel(STATUS_CHANNEL);
  const send = (message: StatusMessage) => channel.postMessage(message);
  channel.addEventListener("message", ({ data }: MessageEvent<StatusMessage>) => {
    if (data.type === "status") onStatus(data.status);
    if (data.type === "models") onModels(data.models);
  });
  const ask = () => send({ type: "ask-status" });
  ask();
  return { retry: () => send({ type: "ask-retry" }), ask, stop: () => channel.close() };
}

export interface LogNews {
  onChange(): void;
  /** An exchange was answered, and could not be stored. */
  onFailed(reason: string): void;
}

/** Tells of the log, whoever asked for what; once for a burst of changes. */
export function watchLog({ onChange, onFailed }: LogNews): () => void {
  const channel = new BroadcastChannel(LOG_CHANNEL);
  let due = false;
  channel.addEventListener("message", ({ data }: MessageEvent<LogMessage>) => {
    if (data.type === "failed") return onFailed(data.reason);
    if (due) return;
    due = true;
    setTimeout(() => {
      due = false;
      onChange();
    }, BURST_MS);
  });
  return () => channel.close();
}

const BURST_MS = 100;

/** Calls `onReturn` when a page that was hidden, frozen or put away is back: it has missed what others announced. */
export function watchReturn(onReturn: () => void): void {
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") onReturn();
  });
  document.addEventListener("resume", onReturn);
  window.addEventListener("pageshow", ({ persisted }) => {
    if (persisted) onReturn();
  });
}
