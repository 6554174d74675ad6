import type { LogOptions, LogRecord } from "./log/log-record.ts";
import type { GenerateOptions, TokenEvent } from "./protocol.ts";
import { type DoneEvent, type StartEvent, usageOf } from "./usage.ts";

/** An answer, as far as its events have come. */
export class AnswerSoFar {
  start: StartEvent | null = null;
  done: DoneEvent | null = null;
  text = "";
  tokens = 0;

  add(event: TokenEvent): void {
    if (event.type === "start") this.start = event;
    if (event.type === "done") this.done = event;
    if (event.type === "token" || event.type === "done") this.text += event.text;
    if (event.type === "token") this.tokens++;
  }

  /** What a record says of it. */
  fields(): Partial<LogRecord> {
    const { start, text } = this;
    return {
      response: text,
      model: start?.model ?? null,
      engine: start?.engine ?? null,
      device: start?.device ?? null,
      options: start ? logOptions(start.options) : null,
      usage: start ? usageOf(start.promptTokens, this.done?.newTokens ?? this.tokens) : null,
    };
  }
}

function logOptions(options: GenerateOptions): LogOptions {
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
