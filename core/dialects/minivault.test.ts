import fc from "fast-check";
import { expect, test } from "vitest";
import { VaultError } from "../errors.ts";
import { parseGenerateBody } from "./minivault.ts";

test("`parseGenerateBody()` takes every field", () => {
  const body = {
    prompt: "Hi",
    stream: true,
    model: "m",
    max_new_tokens: 3,
    temperature: 0.5,
    top_k: 4,
    top_p: 0.9,
    min_p: 0.1,
    typical_p: 0.8,
    repetition_penalty: 1.1,
    repeat_last_n: 64,
    frequency_penalty: 0.2,
    presence_penalty: -0.3,
    logit_bias: { "12": -5 },
    stop: "x",
    seed: 5,
    format: { type: "object" },
  };
  expect(parseGenerateBody(body)).toEqual({
    model: "m",
    prompt: { type: "text", text: "Hi" },
    maxNewTokens: 3,
    sampling: {
      temperature: 0.5,
      topK: 4,
      topP: 0.9,
      minP: 0.1,
      typicalP: 0.8,
      repetitionPenalty: 1.1,
      repetitionWindow: 64,
      frequencyPenalty: 0.2,
      presencePenalty: -0.3,
      logitBias: [[12, -5]],
    },
    stop: ["x"],
    seed: 5,
    isSeedDrawn: false,
    format: { type: "schema", schema: { type: "object" } },
    logprobs: null,
    echo: false,
    keepAliveMs: null,
    continued: [],
  });
});

test("`parseGenerateBody()` leaves what was not given to the model's defaults", () => {
  expect(parseGenerateBody({ prompt: "Hi" })).toMatchObject({
    model: null,
    prompt: { type: "text", text: "Hi" },
    maxNewTokens: 128,
    sampling: {},
    stop: [],
    seed: null,
  });
});

test("`parseGenerateBody()` returns a request or throws a sentence, whatever comes in", () => {
  const field = fc.constantFrom(
    "prompt",
    "stream",
    "temperature",
    "top_k",
    "top_p",
    "stop",
    "seed",
    "logit_bias",
    "format",
  );
  const body = fc.oneof(fc.jsonValue(), fc.dictionary(field, fc.jsonValue()));
  fc.assert(
    fc.property(body, (value) => {
      try {
        expect(parseGenerateBody(value)).toMatchObject({ prompt: { text: expect.stringMatching(/./s) } });
      } catch (cause) {
        expect(cause).toBeInstanceOf(VaultError);
        expect((cause as VaultError).message).toMatch(/^.{10,300}\.$/s);
      }
    }),
    { numRuns: 500 },
  );
});
