/** All of a page that knows nothing of MiniVault but where its API is. */
import OpenAI from "openai";

const openai = new OpenAI({ baseURL: `${location.origin}/v1`, apiKey: "local", dangerouslyAllowBrowser: true });
const question = document.querySelector("input")!;
const [ask, stop] = document.querySelectorAll("button");
const answer = document.querySelector("output")!;

ask?.addEventListener("click", async () => {
  answer.replaceChildren();
  answer.ariaBusy = "true";
  const stream = await openai.chat.completions.create({
    model: "minivault-demo",
    messages: [{ role: "user", content: question.value }],
    stream: true,
  });
  stop?.addEventListener("click", () => stream.controller.abort(), { once: true });
  for await (const { choices } of stream) answer.append(choices[0]?.delta.content ?? "");
  answer.ariaBusy = "false";
});
