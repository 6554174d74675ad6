import fc from "fast-check";
import { newRequest } from "../../core/generate-request.ts";
import type { GenerateRequest, TokenEvent } from "../../core/protocol.ts";
import { generate } from "../../engine/generate.ts";
import type { LanguageModel } from "../../engine/model.ts";

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
        echo: kind === "scores",
      },
    ),
  );

/** All events, but for what they took. */
async function answerOf(model: LanguageModel, request: GenerateRequest): Promise<TokenEvent[]> {
  const events: TokenEvent[] = [];
  for await (const event of generate(model, request)) {
    if (event.type === "start") events.push({ ...event, prefillMs: 0 });
    else if (event.type === "done") events.push({ ...event, decodeMs: 0 });
    else events.push(event);
  }
  return events;
}

/** An answer that is continued after any of its tokens is told again from the first one, and is what it would have been. */
export const checkContinued = (model: LanguageModel, numRuns: number): Promise<void> =>
  fc.assert(
    fc.asyncProperty(REQUESTS, fc.double({ min: 0, max: 1, noNaN: true }), async (request, share) => {
      const whole = await answerOf(model, request);
      const tokenIds = whole.flatMap((event) => (event.type === "token" ? [event.tokenId] : []));
      const continued = tokenIds.slice(0, Math.round(share * tokenIds.length));
      const again = await answerOf(model, { ...request, continued });
      const differing = again.findIndex((event, at) => JSON.stringify(event) !== JSON.stringify(whole[at]));
      if (differing >= 0 || again.length !== whole.length) {
        const [is, was] = [again, whole].map((events) => JSON.stringify(events[differing]));
        throw new Error(`continued after ${continued.length} tokens, event ${differing} is ${is} instead of ${was}`);
      }
    }),
    { numRuns },
  );
