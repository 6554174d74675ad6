/** Ollama's own client, as a page of this origin would use it. */
import { type ChatResponse, type GenerateResponse, Ollama, type ProgressResponse } from "ollama/browser";
import { z } from "zod";

const ollama = new Ollama({ host: location.origin });

const model = "minivault-demo";
const messages = [{ role: "user", content: "What model are you?" }];
const capital = { model, prompt: "Q: What is the capital of France?\nA:", raw: true };

// ── Answers ────────────────────────────────────────────────────────────────

export const generate = () => ollama.generate(capital);

export async function generateStream() {
  const parts: GenerateResponse[] = [];
  for await (const part of await ollama.generate({ ...capital, stream: true })) parts.push(part);
  return parts;
}

export const chat = () => ollama.chat({ model, messages });

export async function chatStream() {
  const parts: ChatResponse[] = [];
  for await (const part of await ollama.chat({ model, messages, stream: true })) parts.push(part);
  return parts;
}

export const logprobs = () => ollama.generate({ ...capital, logprobs: true, top_logprobs: 3 });

export async function formatJson() {
  const { message } = await ollama.chat({ model, messages, format: "json", options: { num_predict: 40 } });
  return JSON.parse(message.content) as unknown;
}

const City = z.object({ name: z.string(), inhabitants: z.number().int() });

export async function formatSchema() {
  const { response } = await ollama.generate({
    model,
    prompt: "Tell me about a city.",
    format: z.toJSONSchema(City),
    options: { num_predict: 60 },
  });
  return City.parse(JSON.parse(response ?? ""));
}

// ── Models ─────────────────────────────────────────────────────────────────

export const list = () => ollama.list();
export const show = () => ollama.show({ model });
export const ps = () => ollama.ps();
export const version = () => ollama.version();

/** Without a prompt the model is only loaded, and kept for as long as is said. */
export const load = (keep_alive: string | number) => ollama.generate({ model, prompt: "", keep_alive });

/** A name as `list` has it is a name as well. */
export async function answersByListedName() {
  const { models } = await ollama.list();
  const answer = await ollama.generate({ ...capital, model: models[0]?.name ?? "" });
  return { model: answer.model, response: answer.response };
}

/** All that the download tells on its way. */
export async function pull(model: string) {
  const steps: ProgressResponse[] = [];
  for await (const step of await ollama.pull({ model, stream: true })) steps.push(step);
  return steps;
}

/** Who stops listening pauses the download; pulling again goes on where it stopped. */
export async function pullUntil(model: string, bytes: number) {
  const stream = await ollama.pull({ model, stream: true });
  const read = async () => {
    for await (const { completed = 0 } of stream) if (completed >= bytes) stream.abort();
  };
  return (await raised(read()))?.name;
}

export const remove = (model: string) => ollama.delete({ model });

export const ask = (model: string, prompt: string) => ollama.generate({ model, prompt, options: { num_predict: 4 } });

// ── Errors ─────────────────────────────────────────────────────────────────

/** The browser build does not export `ResponseError`, so its name has to do. */
async function raised(attempt: Promise<unknown>) {
  try {
    await attempt;
    return null;
  } catch (cause) {
    const { name, message, status_code } = cause as Error & { status_code?: number };
    return { name, message, status_code };
  }
}

export const unknownModel = () => raised(ollama.chat({ model: "llama3.2", messages }));
export const unknownModelToShow = () => raised(ollama.show({ model: "llama3.2" }));
export const unknownModelToPull = () => raised(ollama.pull({ model: "llama3.2" }));
export const removeOfTheEmbedded = () => raised(ollama.delete({ model }));
export const unknownRoute = () => raised(ollama.embed({ model, input: "A red fox" }));
export const promptTooLong = () => raised(ollama.generate({ model, prompt: "word ".repeat(400) }));

// ── With the fake engine, which is slow on demand ──────────────────────────

const slow = { model: "fake", prompt: "slow:20", stream: true } as const;

async function readSlowly(onPart: () => void): Promise<void> {
  for await (const _ of await ollama.generate(slow)) onPart();
}

/** The client's error for an answer that fails at its tenth token. */
export async function failsHalfWay() {
  let chunks = 0;
  const read = async () => {
    for await (const _ of await ollama.generate({ ...slow, prompt: "slow:20 break:10" })) chunks++;
  };
  return { error: await raised(read()), chunks };
}

/** Ways to stop. Each begins an answer without an end and says how the client told that it had stopped. */
export const stops = {
  /** All streams of this client. */
  async client() {
    let parts = 0;
    const error = await raised(
      readSlowly(() => {
        if (++parts === 4) ollama.abort();
      }),
    );
    return error?.name;
  },

  /** One stream of several. */
  async iterator() {
    const stream = await ollama.chat({ model: "fake", messages: [{ role: "user", content: "slow:20" }], stream: true });
    const read = async () => {
      let parts = 0;
      for await (const _ of stream) if (++parts === 4) stream.abort();
    };
    return (await raised(read()))?.name;
  },
};
