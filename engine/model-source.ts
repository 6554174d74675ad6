import type { ListedModel, Progress } from "../core/protocol.ts";
import type { LanguageModel, TextModel } from "./model.ts";

export type Report = (progress: Progress) => void;

/** A model that can be loaded, in two steps: what is cheap to keep, then what takes the memory. */
export interface ModelSource {
  readonly name: string;
  /** Fetches its files, and reads the small ones. Rejects with `load-cancelled` when the signal aborts. */
  prepare(report: Report, signal: AbortSignal): Promise<PreparedModel>;
}

export interface PreparedModel {
  readonly text: TextModel;
  /** Loads the weights, on the first device that computes them rightly. */
  start(report: Report, signal: AbortSignal): Promise<LanguageModel>;
}

/** All models that can be had. */
export interface ModelSources {
  /** Rejects with `model-not-found`. */
  find(nameOrId: string): Promise<ModelSource>;
  list(): Promise<readonly ListedModel[]>;
  /** Begins a download, and does not wait for its end. */
  pull(name: string): Promise<void>;
  pause(name: string): Promise<void>;
  remove(name: string): Promise<void>;
}
