import * as v from "valibot";
import { VaultError } from "./errors.ts";
import type { GenerateRequest } from "./protocol.ts";

const DEFAULT_NEW_TOKENS = 128;

const PROMPT = "a text of at least one character";

/** A message completes the sentence "field must be …". */
const must = <T extends v.GenericSchema>(message: string, schema: T) => v.config(schema, { message });
const wholeNumber = (min: number, max: number) =>
  must(`a whole number from ${min} to ${max}`, v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max)));
const aboveZero = (max: number) =>
  must(`a number above 0 and at most ${max}`, v.pipe(v.number(), v.gtValue(0), v.maxValue(max)));
/** Whole characters only: half a surrogate pair would cut a character of the answer in two. */
const stopString = v.pipe(v.string(), v.nonEmpty(), v.maxLength(256), v.regex(/^\P{Surrogate}*$/u));

/** Body of `POST /generate` and `/generate/stream`. Unknown fields are ignored, `null` is "not given". */
const GenerateBody = v.object({
  prompt: must(PROMPT, v.pipe(v.string(), v.nonEmpty())),
  stream: v.nullish(must("true or false", v.boolean())),
  model: v.nullish(must("the name of a model", v.pipe(v.string(), v.nonEmpty()))),
  max_new_tokens: v.nullish(wholeNumber(1, 1_000_000)),
  temperature: v.nullish(must("a number from 0 to 100", v.pipe(v.number(), v.minValue(0), v.maxValue(100)))),
  top_k: v.nullish(wholeNumber(0, 1_000_000)),
  top_p: v.nullish(aboveZero(1)),
  repetition_penalty: v.nullish(aboveZero(100)),
  stop: v.nullish(
    must(
      "a text of 1 to 256 characters, or a list of at most 16 of them",
      v.union([stopString, v.pipe(v.array(stopString), v.maxLength(16))]),
    ),
  ),
  seed: v.nullish(wholeNumber(0, Number.MAX_SAFE_INTEGER)),
});

/** Checks an untrusted body; nothing past this point checks it again. Throws `bad-request` with the field's name. */
export function parseGenerateBody(body: unknown): { readonly request: GenerateRequest; readonly stream: boolean } {
  const { success, output, issues } = v.safeParse(GenerateBody, body, { abortEarly: true });
  if (!success) throw new VaultError("bad-request", describe(issues[0]));
  const { temperature, top_k: topK, top_p: topP, repetition_penalty: repetitionPenalty } = output;
  const stop = output.stop ?? [];
  return {
    stream: output.stream ?? false,
    request: {
      model: output.model ?? null,
      prompt: output.prompt,
      maxNewTokens: output.max_new_tokens ?? DEFAULT_NEW_TOKENS,
      sampling: {
        ...(temperature != null && { temperature }),
        ...(topK != null && { topK }),
        ...(topP != null && { topP }),
        ...(repetitionPenalty != null && { repetitionPenalty }),
      },
      stop: typeof stop === "string" ? [stop] : stop,
      seed: output.seed ?? null,
    },
  };
}

function describe(issue: v.BaseIssue<unknown>): string {
  const field = v.getDotPath(issue);
  if (field === null) return 'The body must be a JSON object such as {"prompt": "Hello"}.';
  if (issue.input === undefined) return `${field} is missing. It must be ${PROMPT}.`;
  return `${field} must be ${issue.message}, not ${JSON.stringify(issue.input).slice(0, 60)}.`;
}
