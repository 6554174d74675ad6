import type { GenerateRequest, Prompt } from "./protocol.ts";

/** Until the context is full. */
export const UNLIMITED = Number.MAX_SAFE_INTEGER;

const DEFAULTS: Omit<GenerateRequest, "prompt"> = {
  model: null,
  maxNewTokens: UNLIMITED,
  sampling: {},
  stop: [],
  seed: null,
  isSeedDrawn: false,
  format: null,
  logprobs: null,
  echo: false,
  keepAliveMs: null,
  continued: [],
};

/** A request of which a dialect says only what it was told. */
export const newRequest = (prompt: Prompt, given: Partial<GenerateRequest> = {}): GenerateRequest => ({
  ...DEFAULTS,
  ...given,
  prompt,
});
