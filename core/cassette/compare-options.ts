import { logOptions } from "../answer-so-far.ts";
import { UNLIMITED } from "../generate-request.ts";
import type { LogOptions } from "../log/log-record.ts";
import type { GenerateOptions, GenerateRequest, Sampling } from "../protocol.ts";
import type { Recording } from "./recording.ts";

/** Those of a request: what it leaves out is what it was in the recording. */
const optionsFor = ({ sampling, maxNewTokens, stop, seed, format }: GenerateRequest, recording: Recording) =>
  logOptions({
    ...settledOptions(recording),
    ...sampling,
    ...(maxNewTokens !== UNLIMITED && { maxNewTokens }),
    ...(seed !== null && { seed }),
    stop,
    format,
  });

/** With which the recorded answer was made. */
export function settledOptions({ request, record }: Recording): GenerateOptions {
  const { sampling, maxNewTokens, stop, format } = request;
  return { ...(sampling as Sampling), maxNewTokens, stop, seed: record.options.seed, format };
}

/** In a sentence each: the options by which a request would get another answer than the recorded one. */
export function optionDifferences(request: GenerateRequest, recording: Recording): readonly string[] {
  const recorded = recording.record.options;
  const asked = optionsFor(request, recording);
  const isSame: Partial<Record<keyof LogOptions, boolean>> = {
    // A limit is cut to what the context has room for; one that was not reached changes nothing.
    max_new_tokens: recording.record.finish_reason === "stop" && asked.max_new_tokens > recorded.max_new_tokens,
    seed: request.isSeedDrawn || asked.temperature === 0,
  };
  return (Object.keys(asked) as (keyof LogOptions)[])
    .map((name) => ({ name, was: JSON.stringify(recorded[name]), is: JSON.stringify(asked[name]) }))
    .filter(({ name, was, is }) => was !== is && !isSame[name])
    .map(({ name, was, is }) => `its ${name} is ${was}, not ${is}`);
}
