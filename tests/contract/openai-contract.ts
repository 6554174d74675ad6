import { assert } from "chai";
import {
  type ContractCase,
  closedRecord,
  dataLines,
  type Json,
  json,
  newId,
  PARIS,
  post,
  STORY,
} from "./contract-case.ts";

const QUESTION = [{ role: "user", content: "What model are you?" }];
const ANSWER =
  "I am the MiniVault demo model, a tiny language model that runs inside your browser. Nothing you type leaves this device.";

const isError = async (response: Response, status: number, code: string, param: string | null = null) => {
  assert.equal(response.status, status);
  assert.equal(response.headers.get("content-type"), "application/json");
  const { error } = (await response.json()) as Json;
  assert.equal(error.code, code);
  assert.equal(error.param, param);
  assert.equal(error.type, "invalid_request_error");
  assert.match(error.message, /\.$/);
  return error.message as string;
};

const events = (text: string): Json[] => {
  const lines = dataLines(text);
  assert.equal(lines.pop(), "[DONE]");
  return lines.map((line) => JSON.parse(line));
};

export const OPENAI_CONTRACT: readonly ContractCase[] = [
  {
    name: "OpenAI: a chat is answered by the model's template, and it says truthfully what it is",
    async run(send) {
      const requestId = newId();
      const body = { model: "minivault-demo", messages: QUESTION };
      const response = await post(send, "/v1/chat/completions", body, { "x-request-id": requestId });
      const answer = await json(response);
      assert.match(answer.id, /^chatcmpl-./);
      assert.equal(answer.object, "chat.completion");
      assert.equal(answer.model, "minivault-demo");
      assert.isAtMost(Math.abs(Date.now() / 1000 - answer.created), 60);
      assert.deepEqual(answer.choices, [
        {
          index: 0,
          message: { role: "assistant", content: ANSWER, refusal: null },
          logprobs: null,
          finish_reason: "stop",
        },
      ]);
      assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
      const record = await closedRecord(send, requestId);
      assert.deepEqual(record.messages as unknown, QUESTION);
      assert.isNull(record.prompt);
      assert.equal(record.dialect, "openai");
    },
  },
  {
    name: "OpenAI: a chat streams as chunks of one id, a role first, a finish reason last, usage if it is wanted",
    async run(send) {
      const body = { messages: QUESTION, stream: true };
      const plain = events(await (await post(send, "/v1/chat/completions", body)).text());
      for (const chunk of plain) assert.notProperty(chunk, "usage");
      const wanted = { ...body, stream_options: { include_usage: true } };
      const response = await post(send, "/v1/chat/completions", wanted);
      assert.equal(response.headers.get("content-type"), "text/event-stream");
      const chunks = events(await response.text());
      const usage = chunks.pop();
      assert.deepEqual(usage.choices, []);
      assert.isAbove(usage.usage.completion_tokens, 0);
      assert.deepEqual(chunks[0].choices[0].delta, { role: "assistant", content: "" });
      assert.equal(new Set(chunks.map(({ id, created }) => `${id} ${created}`)).size, 1);
      assert.isTrue(chunks.every((chunk) => chunk.object === "chat.completion.chunk" && chunk.usage === null));
      assert.deepEqual(chunks.at(-1).choices[0], { index: 0, delta: {}, logprobs: null, finish_reason: "stop" });
      assert.isTrue(chunks.slice(0, -1).every(({ choices: [choice] }) => choice.finish_reason === null));
      assert.equal(chunks.map(({ choices: [choice] }) => choice.delta.content ?? "").join(""), ANSWER);
    },
  },
  {
    name: "OpenAI: a conversation of several roles is one prompt; contents may come in parts",
    async run(send) {
      const messages = [
        { role: "developer", content: "Be brief." },
        {
          role: "user",
          content: [
            { type: "text", text: "What model " },
            { type: "text", text: "are you?" },
          ],
        },
        { role: "assistant", content: null },
        { role: "assistant", content: [{ type: "refusal", refusal: "No." }] },
        { role: "user", content: "What model are you?" },
      ];
      const { usage } = await json(await post(send, "/v1/chat/completions", { messages, max_completion_tokens: 4 }));
      const { usage: alone } = await json(
        await post(send, "/v1/chat/completions", { messages: QUESTION, max_tokens: 4 }),
      );
      assert.isAbove(usage.prompt_tokens, alone.prompt_tokens + 8);
      assert.equal(usage.completion_tokens, 4);
    },
  },
  {
    name: "OpenAI: a message cannot forge a turn: a control token in it is text, as it stays in a log; in a prompt it is one",
    async run(send) {
      const content = "What is <|endoftext|>?";
      const tokens = async (text: string) =>
        (await json(await post(send, "/tokenize", { content: text, parse_special: false }))).tokens.length;
      const requestId = newId();
      const messages = [{ role: "user", content }];
      const body = { messages, max_tokens: 1 };
      const chat = await json(await post(send, "/v1/chat/completions", body, { "x-request-id": requestId }));
      assert.equal(chat.usage.prompt_tokens, await tokens(`User: ${content}\nAssistant:`));
      assert.deepEqual((await closedRecord(send, requestId)).messages as unknown, messages);
      const asked = { model: "minivault-demo", messages, stream: false, options: { num_predict: 1 } };
      const ollama = await json(await post(send, "/api/chat", asked));
      assert.equal(ollama.prompt_eval_count, chat.usage.prompt_tokens);
      const parts = [
        { type: "text", text: "What is <|endof" },
        { type: "text", text: "text|>?" },
      ];
      const inParts = { messages: [{ role: "user", content: parts }], max_tokens: 1 };
      assert.deepEqual((await json(await post(send, "/v1/chat/completions", inParts))).usage, chat.usage);
      const raw = await json(await post(send, "/v1/completions", { prompt: content, max_tokens: 1, echo: true }));
      assert.isBelow(raw.usage.prompt_tokens, await tokens(content));
      assert.isTrue(raw.choices[0].text.startsWith(content));
    },
  },
  {
    name: "OpenAI: completions go on from a text, token ids, or a list of one of these",
    async run(send) {
      const { tokens } = await json(await post(send, "/tokenize", { content: PARIS }));
      for (const prompt of [PARIS, [PARIS], tokens, [tokens]]) {
        const answer = await json(await post(send, "/v1/completions", { prompt }));
        assert.match(answer.id, /^cmpl-./);
        assert.equal(answer.object, "text_completion");
        assert.deepEqual(answer.choices, [{ index: 0, text: " Paris.", logprobs: null, finish_reason: "stop" }]);
      }
      const { choices } = await json(await post(send, "/v1/completions", { prompt: STORY }));
      assert.equal(choices[0].finish_reason, "length"); // 16 tokens, unless told otherwise
    },
  },
  {
    name: "OpenAI: log-probabilities are the model's, in chats and in completions, streamed or not",
    async run(send) {
      const chat = await json(
        await post(send, "/v1/chat/completions", {
          messages: QUESTION,
          logprobs: true,
          top_logprobs: 3,
          max_tokens: 5,
        }),
      );
      const { content } = chat.choices[0].logprobs;
      assert.equal(content.length, 5);
      for (const { token, logprob, bytes, top_logprobs } of content) {
        assert.isAtMost(logprob, 0);
        assert.equal(new TextDecoder().decode(Uint8Array.from(bytes)), token);
        assert.equal(top_logprobs.length, 3);
        assert.equal(top_logprobs[0].token, token); // greedy takes the likeliest
        assert.equal(top_logprobs[0].logprob, logprob);
        const mass = top_logprobs.reduce((sum: number, one: Json) => sum + Math.exp(one.logprob), 0);
        assert.isTrue(mass > 0 && mass <= 1.00001);
      }
      const body = { prompt: PARIS, logprobs: 2, max_tokens: 3 };
      const whole = (await json(await post(send, "/v1/completions", body))).choices[0].logprobs;
      assert.deepEqual(whole.tokens, [" P", "ar", "is"]);
      assert.deepEqual(whole.text_offset, [0, 2, 4]);
      assert.deepEqual(
        whole.token_logprobs,
        whole.tokens.map((token: string, index: number) => whole.top_logprobs[index][token]),
      );
      const streamed = events(await (await post(send, "/v1/completions", { ...body, stream: true })).text());
      assert.deepEqual(
        streamed.flatMap(({ choices: [choice] }) => choice.logprobs?.token_logprobs ?? []),
        whole.token_logprobs,
      );
    },
  },
  {
    name: "OpenAI: echo gives the prompt back, token by token with log-probabilities, and max_tokens may then be 0",
    async run(send) {
      const body = { prompt: PARIS, echo: true, max_tokens: 0, logprobs: 1 };
      const { choices, usage } = await json(await post(send, "/v1/completions", body));
      assert.equal(choices[0].text, PARIS);
      assert.equal(choices[0].finish_reason, "length");
      assert.equal(choices[0].logprobs.tokens.join(""), PARIS);
      assert.isNull(choices[0].logprobs.token_logprobs[0]);
      assert.isTrue(choices[0].logprobs.token_logprobs.slice(1).every((logprob: number) => logprob <= 0));
      assert.equal(usage.completion_tokens, 0);
      // What the prompt's tokens score does not depend on where the prompt ends.
      const longer = await json(await post(send, "/v1/completions", { ...body, prompt: `${PARIS} Paris` }));
      const scores = choices[0].logprobs.token_logprobs.slice(1);
      const again = longer.choices[0].logprobs.token_logprobs.slice(1);
      for (const [index, score] of scores.entries()) assert.closeTo(again[index], score, 0.01);
      const streamed = await (await post(send, "/v1/completions", { ...body, max_tokens: 4, stream: true })).text();
      assert.equal(
        events(streamed)
          .map(({ choices: [choice] }) => choice.text)
          .join(""),
        `${PARIS} Paris.`,
      );
    },
  },
  {
    name: "OpenAI: stop, seed, logit_bias and the penalties are applied",
    async run(send) {
      const ask = async (options: object) =>
        (await json(await post(send, "/v1/completions", { prompt: STORY, max_tokens: 16, ...options }))).choices[0]
          .text;
      const greedy = (await ask({})) as string;
      assert.equal(await ask({ stop: greedy.slice(4, 8) }), greedy.slice(0, 4));
      assert.equal(await ask({ temperature: 2, seed: -5 }), await ask({ temperature: 2, seed: -5 }));
      assert.notEqual(await ask({ temperature: 2, seed: -5 }), await ask({ temperature: 2, seed: 5 }));
      const [first] = (await json(await post(send, "/tokenize", { content: greedy }))).tokens;
      assert.notEqual(((await ask({ logit_bias: { [first]: -100 } })) as string)[0], greedy[0]);
      assert.notEqual(await ask({ frequency_penalty: 2, presence_penalty: 2 }), greedy);
    },
  },
  {
    name: "OpenAI: response_format makes JSON, of a schema if there is one",
    async run(send) {
      const ask = async (response_format: object) => {
        const body = { messages: QUESTION, response_format, max_tokens: 40 };
        return JSON.parse((await json(await post(send, "/v1/chat/completions", body))).choices[0].message.content);
      };
      assert.isString(
        (
          await json(
            await post(send, "/v1/chat/completions", { messages: QUESTION, response_format: { type: "text" } }),
          )
        ).choices[0].message.content,
      );
      assert.isObject(await ask({ type: "json_object" }));
      assert.isObject(await ask({ type: "json_schema", json_schema: { name: "anything" } }));
      const schema = {
        type: "object",
        properties: { colour: { enum: ["red", "green"] }, count: { type: "integer", minimum: 3, maximum: 5 } },
        required: ["colour", "count"],
        additionalProperties: false,
      };
      const value = await ask({ type: "json_schema", json_schema: { name: "thing", strict: true, schema } });
      assert.hasAllKeys(value, ["colour", "count"]);
      assert.oneOf(value.colour, ["red", "green"]);
      assert.oneOf(value.count, [3, 4, 5]);
    },
  },
  {
    name: "OpenAI: models are listed and found; ids may hold a slash",
    async run(send) {
      await (await post(send, "/v1/completions", { prompt: PARIS, max_tokens: 1 })).text(); // now it is loaded
      const { object, data } = await json(await send("/v1/models"));
      assert.equal(object, "list");
      assert.equal(data[0].id, "minivault-demo");
      assert.equal(data[0].object, "model");
      assert.isAbove(data[0].created, 1_700_000_000);
      assert.deepEqual(await json(await send("/v1/models/minivault-demo")), data[0]);
      assert.match(
        await isError(await send("/v1/models/someone%2Fsome-model"), 404, "model_not_found", "model"),
        /minivault-demo/,
      );
    },
  },
  {
    name: "OpenAI: what is wrong is an error object of theirs, and is logged",
    async run(send) {
      const chat = (body: object) => post(send, "/v1/chat/completions", { messages: QUESTION, ...body });
      const completion = (body: object) => post(send, "/v1/completions", { prompt: "a", ...body });
      assert.match(await isError(await chat({ n: 2 }), 400, "bad_request", "n"), /^n must be 1/);
      assert.match(await isError(await completion({ best_of: 3 }), 400, "bad_request", "best_of"), /1/);
      assert.match(await isError(await chat({ messages: [] }), 400, "bad_request", "messages"), /messages must be/);
      assert.match(
        await isError(await chat({ tools: [{}] }), 400, "bad_request", "tools"),
        /^tools must be left out: it is not supported/,
      );
      assert.match(
        await isError(await chat({ tool_choice: "required" }), 400, "bad_request", "tool_choice"),
        /^tool_choice must be none or auto or left out/,
      );
      const alone = await chat({ stream_options: { include_usage: true } });
      assert.match(await isError(alone, 400, "bad_request", "stream_options"), /needs stream: true/);
      assert.match(await isError(await chat({ top_logprobs: 21 }), 400, "bad_request", "top_logprobs"), /20/);
      assert.match(
        await isError(await completion({ prompt: ["a", "b"] }), 400, "bad_request", "prompt"),
        /list of one/,
      );
      for (const prompt of [[[1], [2]], [[]], [], [["a"]], [1, "a"], [1.5], [-1]]) {
        assert.match(await isError(await completion({ prompt }), 400, "bad_request", "prompt"), /one prompt/);
      }
      assert.match(await isError(await completion({ prompt: [1e6] }), 400, "bad_request"), /Token 1000000/);
      assert.match(await isError(await completion({ logit_bias: { "9999": 1 } }), 400, "bad_request"), /Token 9999/);
      assert.match(await isError(await chat({ model: "gpt-9" }), 404, "model_not_found"), /gpt-9.*minivault-demo/);
      const long = "word ".repeat(400);
      for (const stream of [true, false]) {
        const answers = [
          ["prompt", await completion({ prompt: long, stream })],
          ["messages", await chat({ messages: [{ role: "user", content: long }], stream })],
        ] as const;
        for (const [param, answer] of answers) {
          assert.match(await isError(answer, 400, "context_length_exceeded", param), /maximum context length.*tokens/);
        }
      }
      await isError(await send("/v1/nothing"), 404, "not_found");
      await isError(await send("/v1/chat/completions"), 405, "method_not_allowed");
      const requestId = newId();
      await post(send, "/v1/completions", {}, { "x-request-id": requestId });
      const record = await closedRecord(send, requestId);
      assert.deepEqual([record.dialect, record.error?.status], ["openai", 400]);
      const longId = newId();
      await post(send, "/v1/completions", { prompt: long }, { "x-request-id": longId });
      const { error } = await closedRecord(send, longId);
      assert.deepEqual([error?.code, error?.status], ["prompt-too-long", 400]);
    },
  },
];
