import type { GenerateRequest, TokenEvent } from "../protocol.ts";
import { settledOptions } from "./compare-options.ts";
import { partsOf } from "./parts.ts";
import type { Recording } from "./recording.ts";

const ENGINE = "cassette";

/** An event, and when it is told: milliseconds since the answer's turn came. */
interface Step {
  readonly event: TokenEvent;
  readonly ms: number;
}

/**
 * A recorded answer, told as it was: the same pieces at the same times. A cancel stops at once. What another engine told
 * already (`continued`) is told again without waiting.
 *
 * @param model under which name
 */
export function playback(recording: Recording, request: GenerateRequest, model: string): ReadableStream<TokenEvent> {
  const steps = stepsOf(recording, request, model);
  const beganMs = performance.now() - (steps[request.continued.length]?.ms ?? 0);
  let timer: ReturnType<typeof setTimeout> | undefined;
  return new ReadableStream<TokenEvent>(
    {
      async pull(controller) {
        const step = steps.shift();
        if (!step) return controller.close();
        const waitMs = beganMs + step.ms - performance.now();
        if (waitMs > 0) {
          await new Promise<void>((resolve) => {
            timer = setTimeout(resolve, waitMs);
          });
        }
        controller.enqueue(step.event);
      },
      cancel() {
        clearTimeout(timer);
      },
    },
    { highWaterMark: 0 },
  );
}

function stepsOf(recording: Recording, { echo, prompt }: GenerateRequest, model: string): Step[] {
  const { record, place } = recording;
  const { prompt_tokens, completion_tokens } = record.usage;
  const start: TokenEvent = {
    type: "start",
    model,
    engine: ENGINE,
    device: record.device ?? "cpu",
    promptTokens: prompt_tokens,
    prefillMs: record.prompt_ms ?? 0,
    options: settledOptions(recording),
    echo: echo && prompt.type === "text" ? { text: prompt.text, tokens: null } : null,
  };
  const parts = partsOf(record);
  const tokens = parts.slice(0, completion_tokens).map(({ text, ms }, index): Step => {
    // There are no ids of tokens: this one says which recording goes on, if another engine has to.
    return { event: { type: "token", index, tokenId: place, text, score: null }, ms };
  });
  const done: TokenEvent = {
    type: "done",
    text: parts
      .slice(completion_tokens)
      .map(({ text }) => text)
      .join(""),
    finishReason: record.finish_reason,
    newTokens: completion_tokens,
    decodeMs: record.predicted_ms ?? 0,
  };
  return [{ event: start, ms: 0 }, ...tokens, { event: done, ms: parts.at(-1)?.ms ?? 0 }];
}
