import { reasonOf, VaultError } from "../core/errors.ts";
import type { ChatMessage, Prompt } from "../core/protocol.ts";
import { withoutMarks } from "./control-tokens.ts";
import type { RenderedChat, TextModel } from "./model.ts";

/** Turns of models that have no chat template of their own; also what the embedded model was trained on. */
export const PLAIN_CHAT_TEMPLATE =
  "{% for m in messages %}{% if m['role'] == 'user' %}User: {{ m['content'] }}\n{% elif m['role'] == 'assistant' %}" +
  "Assistant: {{ m['content'] }}\n{% else %}{{ m['content'] }}\n{% endif %}{% endfor %}" +
  "{% if add_generation_prompt %}Assistant:{% endif %}";

export const PLAIN_CHAT_STOP: readonly string[] = ["\nUser:"];

export interface Tokenised {
  readonly tokenIds: readonly number[];
  /** What ends an answer to this kind of prompt. */
  readonly stop: readonly string[];
  /** A turn of a chat: the space between its label and its text is not part of what is said. */
  readonly isTurn: boolean;
}

/** Prompt → token ids. Throws `prompt-too-long` if no room is left for an answer, `bad-request` if there is nothing. */
export async function tokenise(model: TextModel, prompt: Prompt, cancelled?: AbortSignal): Promise<Tokenised> {
  const { contextTokens } = model.card;
  const tokenIds = await tokenIdsOf(model, prompt, cancelled);
  if (tokenIds.length === 0) {
    throw new VaultError("bad-request", "The prompt has no tokens. Send some text to continue.");
  }
  if (tokenIds.length >= contextTokens) {
    throw tooLong(model, `${tokenIds.length} tokens`);
  }
  const isTurn = isChat(model, prompt);
  return { tokenIds, stop: isTurn ? model.chatStop : [], isTurn };
}

const isChat = (model: TextModel, prompt: Prompt): boolean =>
  prompt.type === "chat" && (model.readsChats || !prompt.instruction);

async function tokenIdsOf(model: TextModel, prompt: Prompt, cancelled?: AbortSignal): Promise<readonly number[]> {
  switch (prompt.type) {
    case "text":
      return encode(model, { text: prompt.text, control: "all" }, true, cancelled);
    case "chat": {
      if (isChat(model, prompt)) return encode(model, render(model, prompt.messages), false, cancelled); // a template writes its own special tokens
      const text = prompt.messages.map(({ content }) => content).join("\n");
      return encode(model, { text, control: "all" }, true, cancelled);
    }
    case "tokens":
      assertTokens(model, prompt.tokenIds);
      return prompt.tokenIds;
  }
}

/** What cannot fit by its bytes is not read. */
function encode(
  model: TextModel,
  { text, control }: RenderedChat,
  special: boolean,
  cancelled?: AbortSignal,
): Promise<number[]> {
  const { card } = model;
  const bytes = utf8.encode(control === "unquoted" ? withoutMarks(text) : text).length;
  // A token has a byte at least, so a short text need not know of the longest: that takes reading the whole vocabulary.
  const longestToken = bytes < card.contextTokens ? null : model.longestToken();
  if (longestToken !== null && bytes >= card.contextTokens * longestToken) {
    throw tooLong(model, `${bytes} bytes, which are at least ${Math.ceil(bytes / longestToken)} tokens`);
  }
  return model.encode(text, special, control, cancelled);
}

const utf8 = new TextEncoder();

const tooLong = ({ card }: TextModel, has: string) =>
  new VaultError(
    "prompt-too-long",
    `The prompt has ${has}; ${card.name} has room for ${card.contextTokens - 1} and an answer. Shorten the prompt.`,
  );

/** Some templates refuse what their model was not trained on, such as system messages. */
function render(model: TextModel, messages: readonly ChatMessage[]): RenderedChat {
  try {
    return model.renderChat(messages);
  } catch (cause) {
    const detail = `The chat template of ${model.card.name} refuses these messages: ${reasonOf(cause)}. Change their roles.`;
    throw new VaultError("bad-request", detail, { cause });
  }
}

/** Throws a `bad-request` if one of them is not of the model's vocabulary. */
export function assertTokens(model: TextModel, tokenIds: readonly number[]): void {
  const { name, vocabularySize } = model.card;
  const unknown = tokenIds.find((id) => id >= vocabularySize);
  if (unknown === undefined) return;
  throw new VaultError(
    "bad-request",
    `Token ${unknown} is none of ${name}: its ids go from 0 to ${vocabularySize - 1}. Ask /tokenize for the right ones.`,
  );
}
