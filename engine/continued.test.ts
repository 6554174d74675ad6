import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { newRequest } from "../core/generate-request.ts";
import type { GenerateRequest, TokenEvent } from "../core/protocol.ts";
import { embeddedModel } from "../tests/fixtures/node-model.ts";
import { generate } from "./generate.ts";
import type { LanguageModel } from "./model.ts";

let model: LanguageModel;
beforeAll(async () => {
  model = await embeddedModel.load();
});

async function tokensAndEnd(request: GenerateRequest) {
  const events: TokenEvent[] = [];
  for await (const event of generate(model, request)) events.push(event);
  const tokens = events.filter((event) => event.type === "token");
  const done = events.at(-1);
  if (done?.type !== "done") throw new Error("it did not end");
  const { text, finishReason, newTokens } = done;
  return { tokens, end: { text, finishReason, newTokens } };
}

/** Every option that has a memory: penalties, stop strings over several tokens, a grammar, turns of a chat, scores. */
const REQUESTS = fc
  .record({
    temperature: fc.constantFrom(0, 0.8, 1.5),
    repetitionPenalty: fc.constantFrom(1, 1.3),
    frequencyPenalty: fc.constantFrom(0, 0.5),
    seed: fc.nat(1000),
    stop: fc.constantFrom([], ["and the"], [".", "\n"]),
    kind: fc.constantFrom("text", "chat", "json", "scores"),
  })
  .map(({ seed, stop, kind, ...sampling }) =>
    newRequest(
      kind === "chat"
        ? { type: "chat", messages: [{ role: "user", content: "Tell me a joke" }], instruction: false }
        : { type: "text", text: "Once upon a time" },
      {
        maxNewTokens: 40,
        sampling,
        seed,
        stop,
        format: kind === "json" ? { type: "json" } : null,
        logprobs: kind === "scores" ? 1 : null,
      },
    ),
  );

test("an answer that is continued after any of its tokens is the answer that it would have been", async () => {
  await fc.assert(
    fc.asyncProperty(REQUESTS, fc.double({ min: 0, max: 1, noNaN: true }), async (request, share) => {
      const whole = await tokensAndEnd(request);
      const known = Math.round(share * whole.tokens.length);
      const continued = whole.tokens.slice(0, known).map(({ tokenId }) => tokenId);
      const rest = await tokensAndEnd({ ...request, continued });
      const told = ({ index, tokenId, text }: (typeof whole.tokens)[number]) => ({ index, tokenId, text });
      expect(rest.tokens.map(told)).toEqual(whole.tokens.slice(known).map(told));
      expect(rest.end).toEqual(whole.end);
    }),
    { numRuns: 60 },
  );
});
