import type { Prompt } from "../protocol.ts";

export function isSamePrompt(a: Prompt, b: Prompt): boolean {
  return kindOf(a) === kindOf(b) && JSON.stringify(contentOf(a)) === JSON.stringify(contentOf(b));
}

/** Of both, what begins and what ends alike; from 0, nothing, to 1, all of it. */
export function likeness(a: Prompt, b: Prompt): number {
  const [one, other] = [textOf(a), textOf(b)];
  const longer = Math.max(one.length, other.length);
  if (longer === 0) return 1;
  const start = commonStart(one, other);
  let end = 0;
  while (end < Math.min(one.length, other.length) - start && one.at(-1 - end) === other.at(-1 - end)) end++;
  return (start + end) / longer;
}

const SHOWN = 40;

/** In a sentence: from where on the prompts of a recording and of a request differ. */
export function promptDifference(recorded: Prompt, asked: Prompt): string {
  if (kindOf(recorded) !== kindOf(asked)) return `its prompt is ${kindOf(recorded)}, not ${kindOf(asked)}`;
  const [one, other] = [textOf(recorded), textOf(asked)];
  const at = commonStart(one, other);
  const from = (text: string) => JSON.stringify(text.slice(at, at + SHOWN));
  return `its prompt goes on with ${from(one)} after ${at} characters, not with ${from(other)}`;
}

function commonStart(one: string, other: string): number {
  let at = 0;
  while (at < one.length && at < other.length && one[at] === other[at]) at++;
  return at;
}

function kindOf(prompt: Prompt): string {
  if (prompt.type === "text") return "a text";
  if (prompt.type === "tokens") return "a list of token ids";
  return prompt.instruction ? "an instruction" : "a conversation";
}

/** The order of a message's keys is nobody's wish. */
function contentOf(prompt: Prompt): unknown {
  if (prompt.type === "text") return prompt.text;
  if (prompt.type === "tokens") return prompt.tokenIds;
  return prompt.messages.map(({ role, content }) => [role, content]);
}

/** As people read it. */
function textOf(prompt: Prompt): string {
  if (prompt.type === "text") return prompt.text;
  if (prompt.type === "tokens") return prompt.tokenIds.join(" ");
  return prompt.messages.map(({ role, content }) => `${role}: ${content}`).join("\n");
}
