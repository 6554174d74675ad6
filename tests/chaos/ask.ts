import type { GenerateInput } from "../../core/dialects/minivault.ts";
import { ENDLESS } from "../fixtures/endless.ts";

/** A request of a chaos run. */
export interface Ask {
  readonly id: string;
  readonly way: "client" | "fetch" | "json";
  readonly body: GenerateInput;
  /** Leave (client), or pause (fetch), after so many pieces; 0: never. */
  readonly leaveAfter: number;
}

export type Report =
  | { readonly type: "text"; readonly text: string }
  | {
      readonly type: "end";
      /** `done`: to the reader it looked whole. */
      readonly how: "done" | "left" | "cut" | "refused";
      readonly detail?: string;
    };

/** What became of it. */
export interface Asked {
  readonly ask: Ask;
  readonly atMs: number;
  text: string;
  /** `gone`: its tab was closed, crashed or reloaded. */
  end: {
    readonly how: "done" | "left" | "cut" | "refused" | "gone";
    readonly detail: string;
    readonly atMs: number;
  } | null;
  ends: number;
}

/** Workers tell here what nobody caught in them. */
export const ERRORS_CHANNEL = "chaos-errors";

/** Comes with the app; requests that name no model are for it. */
export const APP_MODEL = "minivault-demo";
/** Has to be had from the hub. */
export const HUB_MODEL = "distilgpt2";

const STORIES = ["Once upon a time", "A red fox", "User: Tell me a joke about AI\nAssistant:", "The moon"] as const;

const LINES = ["Once upon a time", "The moon"] as const;

/**
 * Every request is one of these, so that its whole answer is known.
 *
 * @param gpu few and short ones: one that is simulated computes a tenth as many tokens a second as the CPU
 */
export const bodiesOf = (gpu: boolean): readonly GenerateInput[] => {
  const tokens = (count: number) => Math.round(count * (gpu ? 0.1 : 1));
  return [
    ...STORIES.slice(0, gpu ? 2 : undefined).flatMap((prompt) => [
      { prompt, max_new_tokens: tokens(200), temperature: 0 },
      { prompt, max_new_tokens: tokens(220), temperature: 1, seed: 7, ...ENDLESS },
      { prompt, max_new_tokens: tokens(180), temperature: 1.2, top_k: 40, seed: 11, ...ENDLESS },
    ]),
    ...LINES.slice(0, gpu ? 1 : undefined).flatMap((prompt) => [
      { model: HUB_MODEL, prompt, max_new_tokens: tokens(160), temperature: 1, seed: 7 },
      { model: HUB_MODEL, prompt, max_new_tokens: tokens(140), temperature: 1.2, top_k: 40, seed: 11 },
    ]),
  ];
};
