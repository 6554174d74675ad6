import { VaultError } from "../core/errors.ts";
import type {
  FinishReason,
  GenerateOptions,
  GenerateRequest,
  Prompt,
  Token,
  TokenEvent,
  TokenScore,
} from "../core/protocol.ts";
import { createDetokeniser } from "./detokenise.ts";
import { inSlices } from "./in-slices.ts";
import type { LanguageModel, TextModel } from "./model.ts";
import { nextTask } from "./next-task.ts";
import { codePoints, createPlacer, placesIn } from "./places.ts";
import { assertTokens, tokenise } from "./prompt.ts";
import { randomAt } from "./random.ts";
import { chooseToken } from "./sampling/choose-token.ts";
import { createHistory } from "./sampling/history.ts";
import { scoreToken } from "./sampling/logprobs.ts";
import { createStopFilter } from "./stop.ts";

const ENGINE = "onnxruntime";

/**
 * The whole of generation, top to bottom: tokenise → prefill → (sample → detokenise → decode)*.
 *
 * Tokens that are known go the same way, but for the sampling: integer kernels scale the rows of a pass together, so
 * tokens that are read in one pass give other logits than one by one (docs/decisions/0018-streams-go-on.md).
 */
export async function* generate(
  model: LanguageModel,
  request: GenerateRequest,
  cancelled?: AbortSignal,
): AsyncGenerator<TokenEvent, void> {
  const { tokenIds: promptIds, stop, isTurn } = await tokenise(model, request.prompt, cancelled);
  const options = settleOptions(model, request, promptIds.length);
  const constraint = options.format && model.constrain(options.format);
  const echo = request.echo ? echoOf(model, request.prompt, promptIds) : null;
  const detokeniser = createDetokeniser((ids) => model.decode(ids), promptIds, echo?.isWhole ?? true);
  const stops = createStopFilter([...options.stop, ...stop]);
  const trim = isTurn ? createStartTrimmer() : (text: string) => text;
  const history = createHistory(promptIds);
  const cache = model.createCache();

  let newTokens = 0;
  let finishReason: FinishReason | null = null;
  /** Where the last token begins. */
  let offset = 0;
  const place = createPlacer(codePoints(echo?.text ?? ""));
  /** What a token of the answer does to it: returns the text that it settles. */
  const accept = (tokenId: number): string => {
    newTokens++;
    history.push(tokenId);
    const fresh = detokeniser.push(tokenId);
    if (request.logprobs !== null) offset = place(fresh, bytesOf(model, tokenId));
    const { text, hit } = stops.push(fresh);
    if (hit || (constraint?.shortest === 0 && newTokens === options.maxNewTokens)) finishReason = "stop";
    return trim(text);
  };

  try {
    await nextTask(); // who has left by now costs no pass
    cancelled?.throwIfAborted();
    const clock = stopwatch();
    const scoresPrompt = request.echo && request.logprobs !== null;
    const rowCount = scoresPrompt ? promptIds.length : 1;
    const rows = await model.forward(promptIds, cache, rowCount);
    const promptScores =
      echo && request.logprobs !== null
        ? await inSlices(scorePrompt(model, promptIds, echo.text, rows, request.logprobs), cancelled)
        : null;
    yield {
      type: "start",
      model: model.card.name,
      engine: ENGINE,
      device: model.device,
      promptTokens: promptIds.length,
      prefillMs: clock.lap(),
      options,
      echo: echo && { text: echo.text, tokens: promptScores },
    };

    let logits = rows.subarray(rows.length - rows.length / rowCount);
    let decodeMs = 0;
    while (!finishReason && newTokens < options.maxNewTokens) {
      clock.lap(); // the reader's time is not ours
      const index = newTokens;
      const raw = request.logprobs === null ? null : logits.slice();
      const known = request.continued[index];
      if (constraint && known === undefined) await inSlices(constraint.look(), cancelled);
      let tokenId = known ?? chooseToken(logits, history, options, randomAt(options.seed, index), constraint?.mask);
      if (constraint) tokenId = constraint.take(tokenId, options.maxNewTokens - index - 1);
      decodeMs = known === undefined ? decodeMs + clock.lap() : 0; // whoever drew it has counted it
      if (model.endTokenIds.includes(tokenId)) {
        finishReason = "stop";
        break;
      }
      const text = accept(tokenId);
      const describe = (id: number) => describeToken(model, id);
      const score = raw && { ...scoreToken(raw, tokenId, request.logprobs ?? 0, describe), offset };
      yield { type: "token", index, tokenId, text, score };
      if (finishReason || newTokens === options.maxNewTokens) break;
      await nextTask(); // or a cancel would not be heard: WASM computes without a return to the event loop
      clock.lap();
      logits = await model.forward([tokenId], cache);
      decodeMs += clock.lap();
    }
    const rest = trim(stops.push(detokeniser.flush()).text + stops.flush());
    yield { type: "done", text: rest, finishReason: finishReason ?? "length", newTokens, decodeMs };
  } finally {
    cache.dispose();
  }
}

/** Drops white space until there is something else. */
function createStartTrimmer(): (text: string) => string {
  let started = false;
  return (text) => {
    const kept = started ? text : text.replace(/^[^\S\uFEFF]+/, "");
    started ||= kept !== "";
    return kept;
  };
}

/** Throws what `generate` would, before it takes a turn. */
export async function check(model: TextModel, request: GenerateRequest): Promise<void> {
  const { tokenIds } = await tokenise(model, request.prompt);
  assertTokens(
    model,
    (request.sampling.logitBias ?? []).map(([id]) => id),
  );
  if (!request.format) return;
  const { shortest } = model.constrain(request.format);
  const { maxNewTokens } = settleOptions(model, request, tokenIds.length);
  if (shortest <= maxNewTokens) return;
  throw new VaultError(
    "bad-request",
    `The shortest answer in this format takes ${shortest} tokens, and ${maxNewTokens} are allowed. Allow more, or shorten the prompt.`,
  );
}

/** A token that comes again is the same object, which is sent once. */
export function* describeTokens(model: TextModel, tokenIds: readonly number[]): Generator<void, Token[]> {
  const known = new Map<number, Token>();
  const tokens: Token[] = [];
  for (const id of tokenIds) {
    const token = known.get(id) ?? describeToken(model, id);
    known.set(id, token);
    if (tokens.push(token) % 64 === 0) yield;
  }
  return tokens;
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** What it adds to a text, wherever that begins. */
function describeToken(model: TextModel, tokenId: number): Token {
  const bytes = model.vocabulary().bytes[tokenId] ?? new Uint8Array();
  return { tokenId, text: utf8.decode(bytes), bytes: [...bytes] };
}

/** The prompt as it was sent; of token ids all that they spell, but for half a character, which the answer may complete. */
function echoOf(model: TextModel, prompt: Prompt, promptIds: readonly number[]) {
  if (prompt.type === "text") return { text: prompt.text, isWhole: true };
  const text = model.decode(promptIds, prompt.type === "tokens");
  return { text: text.replace(/\uFFFD$/, ""), isWhole: !text.endsWith("\uFFFD") };
}

/** Row `i` of the logits speaks of token `i + 1`. */
function* scorePrompt(
  model: LanguageModel,
  promptIds: readonly number[],
  text: string,
  rows: Float32Array,
  top: number,
): Generator<void, TokenScore[]> {
  const size = rows.length / promptIds.length;
  const describe = (id: number) => describeToken(model, id);
  const offsets = yield* placesIn(text, promptIds, model);
  const scores: TokenScore[] = [];
  for (const [place, id] of promptIds.entries()) {
    const offset = offsets[place]!;
    if (place === 0) scores.push({ ...describe(id), logprob: null, top: [], offset });
    else scores.push({ ...scoreToken(rows.subarray((place - 1) * size, place * size), id, top, describe), offset });
    yield;
  }
  return scores;
}

/** Of a token that is text. */
function bytesOf(model: TextModel, tokenId: number): ArrayLike<number> {
  const { bytes, specialIds } = model.vocabulary();
  return specialIds.includes(tokenId) ? [] : (bytes[tokenId] ?? []);
}

function settleOptions(model: TextModel, request: GenerateRequest, promptTokens: number): GenerateOptions {
  return {
    ...model.card.defaults,
    ...request.sampling,
    maxNewTokens: Math.min(request.maxNewTokens, model.card.contextTokens - promptTokens),
    stop: request.stop,
    seed: request.seed ?? crypto.getRandomValues(new Uint32Array(1))[0]!,
    format: request.format,
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
