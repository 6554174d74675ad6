import { VaultError } from "../core/errors.ts";
import type { FinishReason, GenerateOptions, GenerateRequest, TokenEvent } from "../core/protocol.ts";
import { createDetokeniser } from "./detokenise.ts";
import type { LanguageModel } from "./model.ts";
import { nextTask } from "./next-task.ts";
import { uniform } from "./random.ts";
import { chooseToken } from "./sample.ts";
import { createStopFilter } from "./stop.ts";

/** The whole of generation, top to bottom: tokenise → prefill → (sample → detokenise → decode)*. */
export async function* generate(model: LanguageModel, request: GenerateRequest): AsyncGenerator<TokenEvent, void> {
  const promptIds = tokenise(model, request);
  const options = settleOptions(model, request, promptIds.length);
  const detokeniser = createDetokeniser((ids) => model.decode(ids));
  const stops = createStopFilter(options.stop);
  const seen = new Set(promptIds);
  const cache = model.createCache();

  try {
    const clock = stopwatch();
    let logits = await model.forward(promptIds, cache);
    yield {
      type: "start",
      model: model.name,
      device: model.device,
      promptTokens: promptIds.length,
      prefillMs: clock.lap(),
      options,
    };

    let finishReason: FinishReason = "length";
    let newTokens = 0;
    let decodeMs = 0;
    for (let tokenId = -1; newTokens < options.maxNewTokens; ) {
      clock.lap(); // the reader's time is not ours
      if (newTokens > 0) logits = await model.forward([tokenId], cache);
      tokenId = chooseToken(logits, seen, options, uniform(options.seed, newTokens));
      decodeMs += clock.lap();
      if (model.endTokenIds.includes(tokenId)) {
        finishReason = "stop";
        break;
      }
      seen.add(tokenId);
      const { text, hit } = stops.push(detokeniser.push(tokenId));
      yield { type: "token", index: newTokens++, tokenId, text };
      if (hit) {
        finishReason = "stop";
        break;
      }
      await nextTask(); // or a cancel would not be heard: WASM computes without a return to the event loop
    }
    const rest = stops.push(detokeniser.flush()).text + stops.flush();
    yield { type: "done", text: rest, finishReason, newTokens, decodeMs };
  } finally {
    cache.dispose();
  }
}

/** Prompt → token ids. Throws `prompt-too-long` if no room is left for an answer. */
export function tokenise(model: LanguageModel, request: GenerateRequest): number[] {
  const ids = model.encode(request.prompt);
  if (ids.length === 0) throw new VaultError("bad-request", "prompt has no tokens. Send some text to continue.");
  if (ids.length >= model.contextTokens) {
    throw new VaultError(
      "prompt-too-long",
      `The prompt has ${ids.length} tokens; ${model.name} has room for ${model.contextTokens - 1} and an answer. Shorten the prompt.`,
    );
  }
  return ids;
}

function settleOptions(model: LanguageModel, request: GenerateRequest, promptTokens: number): GenerateOptions {
  return {
    ...model.defaults,
    ...request.sampling,
    maxNewTokens: Math.min(request.maxNewTokens, model.contextTokens - promptTokens),
    stop: request.stop,
    seed: request.seed ?? crypto.getRandomValues(new Uint32Array(1))[0]!,
  };
}

function stopwatch() {
  let last = performance.now();
  return {
    /** Milliseconds since the last lap. */
    lap() {
      const now = performance.now();
      const ms = now - last;
      last = now;
      return ms;
    },
  };
}
