import fc from "fast-check";
import { expect, test } from "vitest";
import { VaultError } from "./errors.ts";
import { parseGenerateBody } from "./generate-request.ts";

test("`parseGenerateBody()` takes every field", () => {
  const body = {
    prompt: "Hi",
    stream: true,
    model: "m",
    max_new_tokens: 3,
    temperature: 0.5,
    top_k: 4,
    top_p: 0.9,
    repetition_penalty: 1.1,
    stop: "x",
    seed: 5,
  };
  expect(parseGenerateBody(body)).toEqual({
    stream: true,
    request: {
      model: "m",
      prompt: "Hi",
      maxNewTokens: 3,
      sampling: { temperature: 0.5, topK: 4, topP: 0.9, repetitionPenalty: 1.1 },
      stop: ["x"],
      seed: 5,
    },
  });
});

test("`parseGenerateBody()` leaves what was not given to the model's defaults", () => {
  expect(parseGenerateBody({ prompt: "Hi" }).request).toEqual({
    model: null,
    prompt: "Hi",
    maxNewTokens: 128,
    sampling: {},
    stop: [],
    seed: null,
  });
});

test("`parseGenerateBody()` returns a request or throws a sentence, whatever comes in", () => {
  const field = fc.constantFrom("prompt", "stream", "temperature", "top_k", "top_p", "stop", "seed", "max_new_tokens");
  const body = fc.oneof(fc.jsonValue(), fc.dictionary(field, fc.jsonValue()));
  fc.assert(
    fc.property(body, (value) => {
      try {
        expect(parseGenerateBody(value).request.prompt.length).toBeGreaterThan(0);
      } catch (cause) {
        expect(cause).toBeInstanceOf(VaultError);
        expect((cause as VaultError).message).toMatch(/^.{10,300}\.$/s);
      }
    }),
    { numRuns: 500 },
  );
});
