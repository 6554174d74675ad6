import type { Encoding } from "../encode/encoding.ts";
import { VaultError } from "../errors.ts";
import { newRequest } from "../generate-request.ts";
import type { GenerateRequest, Prompt } from "../protocol.ts";
import type { LogRecord } from "./log-record.ts";

/** The same request again: model, options and seed. Throws `not-replayable` if the record does not have all of it. */
export function requestOf(record: LogRecord): GenerateRequest {
  const { model, options, usage, redacted } = record;
  const prompt = promptOf(record);
  if (!prompt || !options || redacted > 0) throw notReplayable(record);
  return newRequest(prompt, {
    model,
    maxNewTokens: isWhole(record) ? options.max_new_tokens : Math.max(1, usage?.completion_tokens ?? 0),
    sampling: {
      temperature: options.temperature,
      topK: options.top_k,
      topP: options.top_p,
      minP: options.min_p,
      typicalP: options.typical_p,
      repetitionPenalty: options.repetition_penalty,
      repetitionWindow: options.repeat_last_n,
      frequencyPenalty: options.frequency_penalty,
      presencePenalty: options.presence_penalty,
      logitBias: Object.entries(options.logit_bias).map(([tokenId, bias]) => [Number(tokenId), bias] as const),
    },
    stop: options.stop,
    seed: options.seed,
    format: options.format,
  });
}

function promptOf({ prompt, messages, instruction }: LogRecord): Prompt | null {
  if (messages) return { type: "chat", messages, instruction };
  if (prompt === null) return null;
  return typeof prompt === "string" ? { type: "text", text: prompt } : { type: "tokens", tokenIds: prompt };
}

/** Else somebody or something ended it, and what there is of it is the beginning of what it would have been. */
const isWhole = ({ finish_reason }: LogRecord): boolean => finish_reason === "stop" || finish_reason === "length";

/** One JSON: what came out, and where it first differs from the record. */
export const comparedWith = (record: LogRecord): Encoding => ({
  mediaType: "application/json",
  streams: false,
  done: (_, { text, start, exchange }) => {
    const difference = firstDifference(record, text);
    return JSON.stringify({
      same: difference === null,
      first_difference: difference,
      response: text,
      model: start.model,
      device: start.device,
      recorded: { response: record.response, model: record.model, device: record.device },
      id: exchange.id,
    });
  },
});

/** `at` counts UTF-16 code units, as indices of JavaScript's strings do. */
interface Difference {
  readonly at: number;
  readonly recorded: string;
  readonly replayed: string;
}

const SHOWN = 40;

function firstDifference(record: LogRecord, replayed: string): Difference | null {
  const recorded = record.response;
  let at = 0;
  while (at < recorded.length && at < replayed.length && recorded[at] === replayed[at]) at++;
  const isSame = at === recorded.length && (at === replayed.length || !isWhole(record));
  return isSame ? null : { at, recorded: recorded.slice(at, at + SHOWN), replayed: replayed.slice(at, at + SHOWN) };
}

function notReplayable({ id, redacted }: LogRecord): VaultError {
  const why = redacted > 0 ? "something was replaced in its texts" : "it does not have its prompt and its options";
  return new VaultError(
    "not-replayable",
    `Record ${id} cannot be replayed: ${why}. Choose one that was logged in full.`,
  );
}
