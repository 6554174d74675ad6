/** The AI SDK with its provider for OpenAI's API elsewhere, as a page of this origin would use it. */
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, generateText, Output, streamText } from "ai";
import { z } from "zod";

const minivault = createOpenAICompatible({
  name: "minivault",
  baseURL: `${location.origin}/v1`,
  includeUsage: true, // or a stream would not tell
  supportsStructuredOutputs: true,
});
const model = minivault("minivault-demo");
const prompt = "What model are you?";

export async function generate() {
  const { text, finishReason, usage } = await generateText({ model, prompt });
  return { text, finishReason, usage };
}

export async function stream() {
  const result = streamText({ model, prompt });
  const parts: string[] = [];
  for await (const part of result.textStream) parts.push(part);
  return { parts, finishReason: await result.finishReason, usage: await result.usage };
}

const City = z.object({ name: z.string(), inhabitants: z.number().int() });

export async function structuredOutput() {
  const { output } = await generateText({
    model,
    prompt: "Tell me about a city.",
    output: Output.object({ schema: City }),
    maxOutputTokens: 60,
  });
  return output;
}

export async function unknownModel() {
  try {
    await generateText({ model: minivault("gpt-5"), prompt });
    return null;
  } catch (cause) {
    if (!APICallError.isInstance(cause)) throw cause;
    const { statusCode, message, isRetryable } = cause;
    return { statusCode, message, isRetryable };
  }
}

/** With the fake engine, which is slow on demand. */
export const stops = {
  async signal() {
    const abort = new AbortController();
    let aborted = false;
    const { textStream } = streamText({
      model: minivault("fake"),
      prompt: "slow:20",
      abortSignal: abort.signal,
      onAbort: () => {
        aborted = true;
      },
    });
    let parts = 0;
    for await (const _ of textStream) if (++parts === 4) abort.abort();
    return aborted ? "onAbort is called" : "the loop ends";
  },
};
