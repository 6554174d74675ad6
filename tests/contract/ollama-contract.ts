import { assert } from "chai";
import {
  type ContractCase,
  closedRecord,
  isOllamaError,
  type Json,
  json,
  jsonLines,
  newId,
  PARIS,
  post,
  STORY,
} from "./contract-case.ts";

const model = "minivault-demo";
const messages = [{ role: "user", content: "What model are you?" }];

const DURATIONS = ["total_duration", "load_duration", "prompt_eval_duration", "eval_duration"];

const hasStatistics = (last: Json) => {
  for (const name of DURATIONS) assert.isTrue(Number.isInteger(last[name]) && last[name] >= 0, name);
  assert.isAbove(last.prompt_eval_count, 0);
  assert.isAtLeast(last.total_duration, last.eval_duration / 2); // clocks of two threads
};

export const OLLAMA_CONTRACT: readonly ContractCase[] = [
  {
    name: "Ollama: generate streams lines unless it is told not to, with figures in nanoseconds on the last",
    async run(send) {
      const response = await post(send, "/api/generate", { model, prompt: PARIS, raw: true });
      assert.equal(response.headers.get("content-type"), "application/x-ndjson");
      const lines = jsonLines<Json>(await response.text());
      const last = lines.pop();
      for (const line of lines) {
        assert.hasAllKeys(line, ["model", "created_at", "response", "done"]);
        assert.equal(line.created_at, new Date(line.created_at).toISOString());
      }
      assert.equal(lines.map((line) => line.response).join(""), " Paris.");
      assert.include(last, {
        model,
        response: "",
        done: true,
        done_reason: "stop",
        eval_count: 4,
        prompt_eval_count: 13,
      });
      hasStatistics(last);

      const whole = await json(await post(send, "/api/generate", { model, prompt: PARIS, raw: true, stream: false }));
      assert.include(whole, { response: " Paris.", done: true, done_reason: "stop" });
      hasStatistics(whole);
    },
  },
  {
    name: "Ollama: without raw the prompt goes through the model's template, with a system message if there is one",
    async run(send) {
      const ask = async (body: object) =>
        json(await post(send, "/api/generate", { model, prompt: "What model are you?", stream: false, ...body }));
      const templated = await ask({});
      assert.match(templated.response, /^I am the MiniVault demo model/);
      assert.isAbove((await ask({ system: "Be brief." })).prompt_eval_count, templated.prompt_eval_count);
      assert.isBelow((await ask({ raw: true })).prompt_eval_count, templated.prompt_eval_count);
    },
  },
  {
    name: "Ollama: a chat streams messages, and it says truthfully what it is",
    async run(send) {
      const requestId = newId();
      const response = await post(
        send,
        "/api/chat",
        { model: `${model}:latest`, messages },
        { "x-request-id": requestId },
      );
      const lines = jsonLines<Json>(await response.text());
      for (const line of lines) assert.equal(line.message.role, "assistant");
      assert.match(lines.map((line) => line.message.content).join(""), /^I am the MiniVault demo model/);
      assert.equal(lines.at(-1).model, `${model}:latest`);
      hasStatistics(lines.at(-1));
      const record = await closedRecord(send, requestId);
      assert.deepEqual([record.dialect, record.mode], ["ollama", "stream"]);
    },
  },
  {
    name: "Ollama: options choose the tokens",
    async run(send) {
      const ask = async (options: object) =>
        (await json(await post(send, "/api/generate", { model, prompt: STORY, raw: true, stream: false, options })))
          .response as string;
      const greedy = await ask({ num_predict: 16 });
      assert.equal(await ask({ num_predict: 16, temperature: 5, top_k: 1, num_thread: 4 }), greedy);
      assert.equal(await ask({ num_predict: 16, temperature: 5, min_p: 1 }), greedy);
      assert.equal(await ask({ num_predict: 16, stop: [greedy.slice(4, 9)] }), greedy.slice(0, 4));
      assert.equal(
        await ask({ num_predict: 16, temperature: 2, seed: 9 }),
        await ask({ num_predict: 16, temperature: 2, seed: 9 }),
      );
      assert.notEqual(await ask({ num_predict: 16, repeat_penalty: 5 }), greedy);
      assert.isTrue((await ask({ num_predict: 4 })).length < greedy.length);
      assert.isAbove((await ask({ num_predict: -1 })).length, greedy.length);
    },
  },
  {
    name: "Ollama: format makes JSON, of a schema if there is one",
    async run(send) {
      const ask = async (format: unknown) => {
        const body = { model, messages, format, stream: false, options: { num_predict: 30 } };
        return JSON.parse((await json(await post(send, "/api/chat", body))).message.content);
      };
      assert.isObject(await ask("json"));
      const schema = { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"] };
      assert.isBoolean((await ask(schema)).ok);
    },
  },
  {
    name: "Ollama: logprobs are the model's",
    async run(send) {
      const body = { model, prompt: PARIS, raw: true, stream: false, logprobs: true, top_logprobs: 2 };
      const { logprobs } = await json(await post(send, "/api/generate", body));
      assert.deepEqual(
        logprobs.map(({ token }: Json) => token),
        [" P", "ar", "is", "."],
      );
      assert.isTrue(logprobs.every((one: Json) => one.logprob <= 0 && one.top_logprobs.length === 2));
    },
  },
  {
    name: "Ollama: a request without a prompt loads the model, keep_alive 0 unloads it, the next one loads it again",
    async run(send) {
      const ask = async (path: string, body: object) => json(await post(send, path, { model, stream: false, ...body }));
      const running = async () => (await json(await send("/api/ps"))).models;
      const load = await ask("/api/generate", { keep_alive: "10m" });
      assert.include(load, { model, response: "", done: true, done_reason: "load" });
      const [found] = await running();
      const minutes = (Date.parse(found.expires_at) - Date.now()) / 60_000;
      assert.closeTo(minutes, 10, 1);
      assert.equal((await ask("/api/chat", { keep_alive: 0 })).done_reason, "unload");
      assert.deepEqual(await running(), []);
      assert.equal((await json(await send("/health"))).state, "unloaded");
      assert.equal((await ask("/api/generate", { prompt: PARIS, raw: true, keep_alive: -1 })).response, " Paris.");
      assert.isAbove(Date.parse((await running())[0].expires_at), Date.now() + 1e12);
    },
  },
  {
    name: "Ollama: a load and an unload are one JSON, typed so, also where a stream was asked for",
    async run(send) {
      for (const path of ["/api/generate", "/api/chat"]) {
        for (const stream of [undefined, true, false]) {
          for (const keep_alive of [undefined, "1m0.5s", "0"]) {
            const response = await post(send, path, { model, stream, keep_alive });
            assert.equal(response.headers.get("content-type"), "application/json");
            assert.equal((await json(response)).done_reason, keep_alive === "0" ? "unload" : "load");
          }
        }
      }
    },
  },
  {
    name: "Ollama: keep_alive is a number of seconds or a duration as Go writes it",
    async run(send) {
      for (const keep_alive of [0, 90, 0.5, -1, "5m", "1h30m", "1.5h", "+90s", "1500ms", "100us", "-1", "-1m", "0"]) {
        await json(await post(send, "/api/generate", { model, keep_alive }));
      }
      for (const keep_alive of ["5 m", "m", "5d", "", [], {}, true]) {
        const answer = await post(send, "/api/generate", { model, keep_alive });
        assert.match(await isOllamaError(answer, 400), /^keep_alive must be/);
      }
    },
  },
  {
    name: "Ollama: tags, show, ps and version tell what there is",
    async run(send) {
      await json(await post(send, "/api/generate", { model, stream: false })); // now it is loaded
      const { models } = await json(await send("/api/tags"));
      const [first] = models;
      assert.include(first, { name: `${model}:latest`, model: `${model}:latest` });
      assert.match(first.digest, /^[\da-f]{64}$/);
      assert.isTrue(Number.isInteger(first.size));
      assert.include(first.details, {
        family: "gpt2",
        format: "onnx",
        quantization_level: "F32",
        parameter_size: "1.1M",
      });
      assert.equal(first.modified_at, new Date(first.modified_at).toISOString());
      const shown = await json(await post(send, "/api/show", { model: `${model}:latest` }));
      assert.include(shown.capabilities, "completion");
      assert.match(shown.template, /User: /);
      assert.equal(shown.model_info["gpt2.context_length"], 256);
      assert.deepEqual(shown.details, first.details);
      assert.include((await json(await send("/api/ps"))).models[0], { name: `${model}:latest`, context_length: 256 });
      assert.match((await json(await send("/api/version"))).version, /^\d+\.\d+\.\d+$/);
    },
  },
  {
    name: "Ollama: GET / says so to whoever asks for plain text",
    async run(send) {
      const response = await send("/", { headers: { accept: "text/plain" } });
      assert.equal(response.status, 200);
      assert.equal(await response.text(), "Ollama is running");
      const page = await send("/", { headers: { accept: "text/html" } });
      assert.notEqual(await page.text(), "Ollama is running");
    },
  },
  {
    name: "Ollama: what is wrong is an error of theirs",
    async run(send) {
      const ask = (body: object) => post(send, "/api/chat", { model, messages, ...body });
      const missing = { model: "llama3" };
      for (const answer of [
        await ask(missing),
        await post(send, "/api/generate", { ...missing, prompt: "a" }),
        await post(send, "/api/generate", missing),
        await post(send, "/api/generate", { ...missing, keep_alive: 0 }),
        await post(send, "/api/show", missing),
        await send("/api/delete", { method: "DELETE", body: JSON.stringify(missing) }),
      ]) {
        assert.match(await isOllamaError(answer, 404), /^model 'llama3' not found.*minivault-demo/);
      }
      assert.match(await isOllamaError(await post(send, "/api/generate", { prompt: "a" }), 400), /^model is missing/);
      assert.match(await isOllamaError(await ask({ options: { top_p: 7 } }), 400), /^options\.top_p must be/);
      assert.match(await isOllamaError(await ask({ options: { mirostat: 2 } }), 400), /mirostat must be 0/);
      assert.match(await isOllamaError(await ask({ keep_alive: "soon" }), 400), /^keep_alive must be .*5m/);
      assert.match(
        await isOllamaError(await ask({ tools: [{}] }), 400),
        /^tools must be left out: it is not supported/,
      );
      assert.match(await isOllamaError(await ask({ think: true }), 400), /think/);
      const raw = { model, prompt: STORY, raw: true, system: "Be brief." };
      assert.match(await isOllamaError(await post(send, "/api/generate", raw), 400), /^system is for the template/);
      assert.match(
        await isOllamaError(await ask({ messages: [{ role: "user", content: "word ".repeat(400) }] }), 422),
        /tokens/,
      );
      assert.match(await isOllamaError(await send("/api/nothing"), 404), /nothing at \/api\/nothing/);
      assert.match(await isOllamaError(await send("/api/chat"), 405), /POST/);
    },
  },
];
