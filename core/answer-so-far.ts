import type { LogOptions, LogRecord } from "./log/log-record.ts";
import type { GenerateOptions, TokenEvent } from "./protocol.ts";
import { type DoneEvent, type StartEvent, usageOf } from "./usage.ts";

/** An answer, as far as its events have come. */
export class AnswerSoFar {
  start: StartEvent | null = null;
  done: DoneEvent | null = null;
  text = "";
  tokens = 0;
  /** Of each part of the text its length, and when it came; `null` once one came of which nobody knows when. */
  #timed: [characters: number, ms: number][] | null = [];

  /** `ms`: since the request arrived; `null`: not known. */
  add(event: TokenEvent, ms: number | null = null): void {
    if (event.type === "start") this.start = event;
    if (event.type === "done") this.done = event;
    if (event.type === "token") this.tokens++;
    if (event.type !== "token" && event.type !== "done") return;
    this.text += event.text;
    if (event.type === "done" && event.text === "") return;
    if (ms === null) this.#timed = null;
    else this.#timed?.push([event.text.length, ms]);
  }

  /** What a record says of it. */
  fields(): Partial<LogRecord> {
    const { start, text } = this;
    return {
      response: text,
      tokens: start && this.#timed,
      model: start?.model ?? null,
      engine: start?.engine ?? null,
      device: start?.device ?? null,
      options: start ? logOptions(start.options) : null,
      usage: start ? usageOf(start.promptTokens, this.done?.newTokens ?? this.tokens) : null,
    };
  }
}

/** In the words of the log and of our own routes. */
export function logOptions(options: GenerateOptions): LogOptions {
  return {
    max_new_tokens: options.maxNewTokens,
    temperature: options.temperature,
    top_k: options.topK,
    top_p: options.topP,
    min_p: options.minP,
    typical_p: options.typicalP,
    repetition_penalty: options.repetitionPenalty,
    repeat_last_n: options.repetitionWindow,
    frequency_penalty: options.frequencyPenalty,
    presence_penalty: options.presencePenalty,
    logit_bias: Object.fromEntries(options.logitBias),
    format: options.format,
    stop: options.stop,
    seed: options.seed,
  };
}
