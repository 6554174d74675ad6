import type { GenerateInput } from "../../core/dialects/minivault.ts";

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
  end: { readonly how: "done" | "left" | "cut" | "refused" | "gone"; readonly detail: string } | null;
  ends: number;
}

const STORIES = ["Once upon a time", "A red fox", "User: Tell me a joke about AI\nAssistant:", "The moon"] as const;

/** Every request is one of these, so that its whole answer is known. */
export const BODIES: readonly GenerateInput[] = STORIES.flatMap((prompt) => [
  { prompt, max_new_tokens: 200, temperature: 0 },
  { prompt, max_new_tokens: 220, temperature: 1, seed: 7 },
  { prompt, max_new_tokens: 180, temperature: 1.2, top_k: 40, seed: 11 },
]);
