import type { Usage } from "./log/log-record.ts";
import type { TokenEvent } from "./protocol.ts";

export type StartEvent = Extract<TokenEvent, { type: "start" }>;
export type DoneEvent = Extract<TokenEvent, { type: "done" }>;

/** The end-of-text token is not counted: it is no part of the response. */
export function usageOf(promptTokens: number, completionTokens: number): Usage {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}

/** Tokens per second; 0 where there was nothing to measure. */
export const perSecond = (tokens: number, ms: number): number => (ms > 0 ? round((tokens * 1000) / ms) : 0);

/** llama.cpp's `timings`, and the wait for a turn. */
export function timingsOf(start: StartEvent, done: DoneEvent, queueMs: number) {
  return {
    queue_ms: round(queueMs),
    cache_n: 0,
    prompt_n: start.promptTokens,
    prompt_ms: round(start.prefillMs),
    prompt_per_token_ms: round(start.prefillMs / start.promptTokens),
    prompt_per_second: perSecond(start.promptTokens, start.prefillMs),
    predicted_n: done.newTokens,
    predicted_ms: round(done.decodeMs),
    predicted_per_token_ms: round(done.newTokens ? done.decodeMs / done.newTokens : 0),
    predicted_per_second: perSecond(done.newTokens, done.decodeMs),
    // Only where the answer went on in another tab's engine.
    ...(done.handoverMs && { handover_ms: round(done.handoverMs) }),
  };
}

const round = (value: number): number => Math.round(value * 1000) / 1000;
