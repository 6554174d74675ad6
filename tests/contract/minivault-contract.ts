import { assert } from "chai";
import type { LogRecord } from "../../core/log/log-record.ts";
import { isLogRecord } from "../../core/log/log-schema.ts";
import {
  type Answer,
  type ContractCase,
  closedRecord,
  dataLines,
  generate,
  isProblem,
  type Json,
  json,
  jsonLines,
  newId,
  PARIS,
  post,
  STORY,
  stream,
} from "./contract-case.ts";
import { parsePrometheus } from "./parse-prometheus.ts";

/** Our own dialect, and what holds for all of them. */
export const MINIVAULT_CONTRACT: readonly ContractCase[] = [
  {
    name: "POST /generate answers with one JSON that says Paris",
    async run(send) {
      const answer = await generate(send, { prompt: PARIS });
      assert.equal(answer.response, " Paris.");
      assert.equal(answer.model, "minivault-demo");
      assert.equal(answer.finish_reason, "stop");
      assert.deepEqual(answer.usage, { prompt_tokens: 13, completion_tokens: 4, total_tokens: 17 });
      assert.equal(answer.generated_at, new Date(answer.generated_at).toISOString());
      assert.isNotEmpty(answer.id);
      assert.equal(answer.timings["prompt_n"], 13);
      assert.equal(answer.timings["predicted_n"], 4);
      assert.isAbove(answer.timings["predicted_per_second"] ?? 0, 0);
    },
  },
  {
    name: "POST /generate/stream sends server-sent events: a token each, usage on the last, then [DONE]",
    async run(send) {
      const { type, text } = await stream(send, { prompt: PARIS }, "text/event-stream");
      assert.equal(type, "text/event-stream");
      const lines = dataLines(text);
      assert.equal(lines.pop(), "[DONE]");
      const events = lines.map((line) => JSON.parse(line) as { token: string; index: number; usage?: object });
      assert.deepEqual(
        events.map(({ index }) => index),
        events.map((_, index) => index),
      );
      assert.equal(events.map(({ token }) => token).join(""), " Paris.");
      const last = events.pop();
      assert.deepEqual(last?.usage, { prompt_tokens: 13, completion_tokens: 4, total_tokens: 17 });
      for (const event of events) assert.hasAllKeys(event, ["token", "index"]);
    },
  },
  {
    name: "POST /generate/stream sends NDJSON: a chunk each, then an empty one that is done",
    async run(send) {
      const { type, text } = await stream(send, { prompt: PARIS }, "application/x-ndjson");
      assert.equal(type, "application/x-ndjson");
      const lines = jsonLines<{ response: string; done?: boolean; usage?: object }>(text);
      const last = lines.pop();
      assert.equal(last?.response, "");
      assert.isTrue(last?.done);
      assert.deepEqual(last?.usage, { prompt_tokens: 13, completion_tokens: 4, total_tokens: 17 });
      assert.equal(lines.map(({ response }) => response).join(""), " Paris.");
      for (const line of lines) assert.hasAllKeys(line, ["response"]);
    },
  },
  {
    name: "POST /generate/stream sends the bare text to whoever asks for nothing else",
    async run(send) {
      for (const accept of ["*/*", "text/plain", "text/html", "text/*"]) {
        assert.deepEqual(await stream(send, { prompt: PARIS }, accept), {
          type: "text/plain; charset=utf-8",
          text: " Paris.",
        });
      }
    },
  },
  {
    name: "POST /generate/stream weighs what the client accepts",
    async run(send) {
      const typeFor = async (accept: string) => (await stream(send, { prompt: PARIS }, accept)).type;
      assert.equal(await typeFor("application/x-ndjson;q=0.5, text/event-stream"), "text/event-stream");
      assert.equal(await typeFor("text/event-stream;q=0.5, application/x-ndjson;q=0.8"), "application/x-ndjson");
      assert.equal(await typeFor("TEXT/EVENT-STREAM"), "text/event-stream");
    },
  },
  {
    name: 'POST /generate with "stream": true sends server-sent events',
    async run(send) {
      const response = await post(send, "/generate", { prompt: PARIS, stream: true });
      assert.equal(response.headers.get("content-type"), "text/event-stream");
      assert.equal(dataLines(await response.text()).pop(), "[DONE]");
    },
  },
  {
    name: "every encoding carries the same text, whatever bytes the tokens cut it at",
    async run(send) {
      // Hot enough for tokens that are halves of characters.
      const body = { prompt: "Ünï — 中文 🙂", temperature: 30, seed: 11, max_new_tokens: 60 };
      const { response } = await generate(send, body);
      assert.equal((await stream(send, body, "text/plain")).text, response);
      const sse = dataLines((await stream(send, body, "text/event-stream")).text).slice(0, -1);
      assert.equal(sse.map((line) => (JSON.parse(line) as { token: string }).token).join(""), response);
      const ndjson = jsonLines<{ response: string }>((await stream(send, body, "application/x-ndjson")).text);
      assert.equal(ndjson.map((line) => line.response).join(""), response);
    },
  },
  {
    name: "the same seed gives the same text, another seed another one",
    async run(send) {
      const ask = async (seed: number) =>
        (await generate(send, { prompt: STORY, temperature: 1, seed, max_new_tokens: 20 })).response;
      assert.equal(await ask(7), await ask(7));
      assert.notEqual(await ask(7), await ask(8));
    },
  },
  {
    name: "temperature, top_k, top_p and repetition_penalty are applied",
    async run(send) {
      const ask = async (options: object) =>
        (await generate(send, { prompt: STORY, max_new_tokens: 24, seed: 3, ...options })).response;
      const greedy = await ask({ temperature: 0 });
      assert.equal(await ask({ temperature: 5, top_k: 1 }), greedy);
      assert.equal(await ask({ temperature: 5, top_p: 1e-9 }), greedy);
      assert.notEqual(await ask({ temperature: 5 }), greedy);
      assert.notEqual(await ask({ temperature: 0, repetition_penalty: 5 }), greedy);
    },
  },
  {
    name: "generation ends before a stop string, even one that spans tokens",
    async run(send) {
      const answer = await generate(send, { prompt: PARIS, stop: ["xyz", "ris."] });
      assert.equal(answer.response, " Pa");
      assert.equal(answer.finish_reason, "stop");
      assert.equal((await stream(send, { prompt: PARIS, stop: "ris" }, "text/plain")).text, " Pa");
    },
  },
  {
    name: "generation ends at max_new_tokens, or where the context is full",
    async run(send) {
      const short = await generate(send, { prompt: STORY, max_new_tokens: 3 });
      assert.equal(short.finish_reason, "length");
      assert.equal(short.usage["completion_tokens"], 3);
      const full = await generate(send, { prompt: STORY, max_new_tokens: 100_000, temperature: 5, seed: 5 });
      assert.isAtMost(full.usage["total_tokens"] ?? 0, 256);
    },
  },
  {
    name: "fields that are unknown or null are ignored",
    async run(send) {
      const answer = await generate(send, { prompt: PARIS, temperature: null, stop: null, colour: "blue" });
      assert.equal(answer.response, " Paris.");
    },
  },
  {
    name: "a body that is wrong is a 400 that names the field, and is logged",
    async run(send) {
      const bad: Array<[body: unknown, words: RegExp]> = [
        ["{", /JSON/],
        ["", /JSON/],
        ["null", /JSON object/],
        ["[]", /prompt is missing/],
        [{}, /prompt is missing/],
        [`{"prompt": ${"[".repeat(50_000)}${"]".repeat(50_000)}}`, /nested/],
        [{ prompt: "" }, /^prompt /],
        [{ prompt: null }, /^prompt /],
        [{ prompt: 3 }, /^prompt /],
        [{ prompt: "a", stream: "yes" }, /^stream /],
        [{ prompt: "a", max_new_tokens: 0 }, /^max_new_tokens /],
        [{ prompt: "a", max_new_tokens: 1.5 }, /^max_new_tokens /],
        [{ prompt: "a", temperature: -1 }, /^temperature /],
        [{ prompt: "a", temperature: "hot" }, /^temperature /],
        [{ prompt: "a", top_k: -1 }, /^top_k /],
        [{ prompt: "a", top_p: 0 }, /^top_p /],
        [{ prompt: "a", top_p: 1.1 }, /^top_p /],
        [{ prompt: "a", repetition_penalty: 0 }, /^repetition_penalty /],
        [{ prompt: "a", stop: [""] }, /^stop /],
        [{ prompt: "a", stop: ["\ud83d"] }, /^stop /],
        [{ prompt: "a", seed: -1 }, /^seed /],
      ];
      for (const path of ["/generate", "/generate/stream"]) {
        for (const [body, words] of bad) {
          const requestId = newId();
          const response = await post(send, path, body, { "x-request-id": requestId });
          assert.match((await isProblem(response, 400, "bad-request")).detail, words);
          const record = await closedRecord(send, requestId);
          assert.equal(record.finish_reason, "error");
          assert.equal(record.error?.code, "bad-request");
          assert.equal(record.endpoint, `POST ${path}`);
        }
      }
    },
  },
  {
    name: "a body over 1 MiB is a 413, one just under it is read",
    async run(send) {
      const requestId = newId();
      const body = JSON.stringify({ prompt: "a".repeat(1024 * 1024) });
      await isProblem(await post(send, "/generate", body, { "x-request-id": requestId }), 413, "body-too-large");
      assert.equal((await closedRecord(send, requestId)).error?.status, 413);
      const justUnder = `{"prompt": 3, "pad": "${"a".repeat(1024 * 1024 - 30)}"}`;
      await isProblem(await post(send, "/generate", justUnder), 400, "bad-request");
    },
  },
  {
    name: "a prompt that does not fit the context is a 422 that counts its tokens, streamed or not",
    async run(send) {
      for (const path of ["/generate", "/generate/stream"]) {
        const requestId = newId();
        const response = await post(send, path, { prompt: "word ".repeat(400) }, { "x-request-id": requestId });
        assert.match((await isProblem(response, 422, "prompt-too-long")).detail, /\d+ tokens.* 255 /);
        assert.equal((await closedRecord(send, requestId)).error?.status, 422);
      }
    },
  },
  {
    name: "a model that there is not is a 404",
    async run(send) {
      const response = await post(send, "/generate", { prompt: "a", model: "gpt-9" });
      assert.match((await isProblem(response, 404, "model-not-found")).detail, /minivault-demo/);
      assert.equal((await generate(send, { prompt: PARIS, model: "minivault-demo" })).response, " Paris.");
    },
  },
  {
    name: "an unknown route is a 404 and a wrong method a 405 with Allow, both logged",
    async run(send) {
      const ask = async (method: string, path: string, status: number, code: string, allow: string | null) => {
        const requestId = newId();
        const response = await send(path, { method, headers: { "x-request-id": requestId } });
        assert.equal(response.headers.get("allow"), allow);
        await isProblem(response, status, code);
        assert.equal((await closedRecord(send, requestId)).endpoint, `${method} ${path}`);
      };
      await ask("POST", "/generate/nothing", 404, "not-found", null);
      await ask("POST", "/nothing", 404, "not-found", null);
      await ask("GET", "/generate", 405, "method-not-allowed", "POST, OPTIONS");
      await ask("PUT", "/generate/stream", 405, "method-not-allowed", "POST, OPTIONS");
      await ask("POST", "/health", 405, "method-not-allowed", "GET, HEAD, OPTIONS");
      await ask("PUT", "/logs", 405, "method-not-allowed", "GET, HEAD, DELETE, OPTIONS");
      await ask("GET", "/logs/import", 405, "method-not-allowed", "POST, OPTIONS");
    },
  },
  {
    name: "every response carries x-request-id (the caller's, if it is sound) and Server-Timing",
    async run(send) {
      const idFor = async (given?: string) => {
        const response = await send("/health", given ? { headers: { "x-request-id": given } } : {});
        assert.match(response.headers.get("server-timing") ?? "", /^total;dur=\d+/);
        return response.headers.get("x-request-id") ?? "";
      };
      assert.equal(await idFor("mine-1"), "mine-1");
      const answered = await post(send, "/generate", { prompt: PARIS });
      assert.match(
        answered.headers.get("server-timing") ?? "",
        /^queue;dur=[\d.]+, prefill;dur=[\d.]+, total;dur=[\d.]+$/,
      );
      assert.match(await idFor(), /^[\w-]{36}$/);
      assert.match(await idFor("x".repeat(129)), /^[\w-]{36}$/);
    },
  },
  {
    name: "GET /logs has one record of an exchange, with all that was used to make it",
    async run(send) {
      const requestId = newId();
      const body = {
        prompt: STORY,
        max_new_tokens: 5,
        temperature: 0.5,
        top_k: 9,
        top_p: 0.9,
        seed: 42,
        stop: ["zzz"],
      };
      const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
      const answer = await generate(send, body, { "x-request-id": requestId, traceparent });
      const record = await closedRecord(send, requestId);
      assert.equal(record.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
      const moments = [record.timestamp, record.started_at ?? "", record.finished_at ?? ""];
      assert.deepEqual(moments.toSorted(), moments);
      assert.equal(BigInt(record.timestamp_ns) / 1_000_000n, BigInt(Date.parse(record.timestamp)));
      assert.equal(record.engine, "onnxruntime");
      assert.oneOf(record.host, ["browser", "node"]);
      assert.equal(record.id, answer.id);
      assert.equal(record.prompt, STORY);
      assert.equal(record.response, answer.response);
      const characters = record.tokens?.reduce((sum, [length]) => sum + length, 0);
      assert.equal(characters, record.response.length);
      assert.equal(record.tokens?.at(0)?.[1], record.ttft_ms ?? -1);
      assert.equal(record.mode, "full");
      assert.equal(record.model, "minivault-demo");
      assert.equal(record.finish_reason, "length");
      assert.deepEqual(record.usage, answer.usage as never);
      assert.deepEqual(record.options, {
        max_new_tokens: 5,
        temperature: 0.5,
        top_k: 9,
        top_p: 0.9,
        min_p: 0,
        typical_p: 1,
        repetition_penalty: 1,
        repeat_last_n: -1,
        frequency_penalty: 0,
        presence_penalty: 0,
        logit_bias: {},
        format: null,
        stop: ["zzz"],
        seed: 42,
      });
      assert.equal(record.dialect, "minivault");
      assert.isNull(record.error);
      assert.isAtLeast(record.duration_ms ?? -1, record.ttft_ms ?? 0);
    },
  },
  {
    name: "a seed that was drawn is in the log, and gives the same text again",
    async run(send) {
      const requestId = newId();
      const body = { prompt: STORY, temperature: 1.5, max_new_tokens: 15 };
      const { response } = await generate(send, body, { "x-request-id": requestId });
      const seed = (await closedRecord(send, requestId)).options?.seed;
      assert.equal((await generate(send, { ...body, seed })).response, response);
    },
  },
  {
    name: "every line of the log is what GET /logs/schema says, and later in nanoseconds than the one before",
    async run(send) {
      await Promise.all([1, 2, 3].map((tokens) => generate(send, { prompt: STORY, max_new_tokens: tokens })));
      await post(send, "/generate", { prompt: "" });
      const schema = await send("/logs/schema");
      assert.equal(schema.headers.get("content-type"), "application/schema+json");
      const { properties } = await json(schema);
      const records = jsonLines<LogRecord>(await (await send("/logs")).text());
      for (const record of records) {
        assert.isTrue(isLogRecord(record), JSON.stringify(record));
        assert.hasAllKeys(record, Object.keys(properties));
      }
      const ns = records.map(({ timestamp_ns }) => BigInt(timestamp_ns));
      assert.isTrue(ns.every((one, place) => place === 0 || one > ns[place - 1]!));
    },
  },
  {
    name: "x-minivault-log: metadata keeps texts out of the log, none keeps out all; both are counted, and not continued",
    async run(send) {
      const counted = async () => {
        const metrics = parsePrometheus(await (await send("/metrics")).text());
        return metrics.value('minivault_requests_total{dialect="minivault",outcome="stop"}') ?? 0;
      };
      const ask = { prompt: PARIS, stop: ["zzz"] };
      const before = await counted();
      const [metadata, none] = [newId(), newId()];
      for (const [id, level] of [
        [metadata, "metadata"],
        [none, "none"],
      ] as const) {
        const headers = { "x-request-id": id, "x-minivault-log": level };
        const { response } = await generate(send, ask, headers);
        assert.equal(response, " Paris.");
      }
      const record = await closedRecord(send, metadata);
      assert.include(record, { level: "metadata", prompt: null, response: "", finish_reason: "stop" });
      assert.equal(record.usage?.completion_tokens, 4);
      assert.deepEqual(record.options?.stop, []);
      assert.notInclude(JSON.stringify(record), "Paris");
      assert.notInclude(await (await send("/logs")).text(), none);
      assert.equal((await counted()) - before, 2);

      const streamed = newId();
      const headers = { "x-request-id": streamed, "x-minivault-log": "metadata" };
      await (await post(send, "/generate/stream", ask, headers)).text();
      await isProblem(await send(`/generate/stream/${streamed}`), 404, "stream-not-found");
    },
  },
  {
    name: "x-minivault-log that is neither none, metadata nor full is a 400 that says so",
    async run(send) {
      const refused = await post(send, "/generate", { prompt: PARIS }, { "x-minivault-log": "some" });
      await isProblem(refused, 400, "bad-request");
    },
  },
  {
    name: "GET /logs is JSONL with a file name; order and limit choose, and are checked",
    async run(send) {
      const first = newId();
      const second = newId();
      await generate(send, { prompt: PARIS }, { "x-request-id": first });
      await generate(send, { prompt: PARIS }, { "x-request-id": second });
      const response = await send("/logs?order=desc&limit=2");
      assert.equal(response.headers.get("content-type"), "application/x-ndjson");
      assert.match(
        response.headers.get("content-disposition") ?? "",
        /^attachment; filename="minivault-logs-\d{4}-\d\d-\d\d\.jsonl"$/,
      );
      const ids = jsonLines<LogRecord>(await response.text()).map(({ request_id }) => request_id);
      assert.deepEqual(ids, [second, first]);
      const all = jsonLines<LogRecord>(await (await send("/logs")).text());
      assert.deepEqual(
        all.slice(-2).map(({ request_id }) => request_id),
        [first, second],
      );
      for (const query of ["order=up", "limit=0", "limit=ten", "limit=-1"]) {
        await isProblem(await send(`/logs?${query}`), 400, "bad-request");
      }
    },
  },
  {
    name: "/generate-stream and /stream are /generate/stream",
    async run(send) {
      for (const path of ["/generate-stream", "/stream"]) {
        const response = await post(send, path, { prompt: PARIS }, { accept: "text/plain" });
        assert.equal(await response.text(), " Paris.");
      }
    },
  },
  {
    name: 'POST /generate with "stream": true sends NDJSON to whoever asks for it',
    async run(send) {
      const body = { prompt: PARIS, stream: true };
      const response = await post(send, "/generate", body, { accept: "application/x-ndjson" });
      assert.equal(response.headers.get("content-type"), "application/x-ndjson");
      assert.isTrue(jsonLines<{ done?: boolean }>(await response.text()).at(-1)?.done);
    },
  },
  {
    name: "min_p, typical_p, the penalties, logit_bias and repeat_last_n are applied",
    async run(send) {
      const ask = async (options: object) =>
        (await generate(send, { prompt: STORY, max_new_tokens: 16, seed: 3, ...options })).response;
      const greedy = await ask({});
      const [comma] = (await json(await post(send, "/tokenize", { content: greedy }))).tokens as number[];
      assert.equal(await ask({ temperature: 5, min_p: 1 }), greedy);
      assert.notEqual(await ask({ temperature: 5, typical_p: 0.5 }), await ask({ temperature: 5 }));
      assert.isFalse((await ask({ logit_bias: { [comma ?? 0]: -100 } })).startsWith(greedy.slice(0, 1)));
      assert.notEqual(await ask({ frequency_penalty: 2, presence_penalty: 2 }), greedy);
      assert.equal(await ask({ repetition_penalty: 5, repeat_last_n: 0 }), greedy);
    },
  },
  {
    name: "an answer in a format is JSON, however little room there is and however hot the sampling",
    async run(send) {
      const schema = {
        type: "object",
        properties: {
          name: { type: "string" },
          age: { type: "integer" },
          tags: { type: "array", items: { type: "string" } },
        },
        required: ["name", "age"],
      };
      for (const max_new_tokens of [14, 24, 60]) {
        for (const seed of [1, 2, 3]) {
          const options = { max_new_tokens, temperature: 3, seed };
          const free = await generate(send, { prompt: STORY, format: "json", ...options });
          assert.isObject(JSON.parse(free.response));
          const { response, usage } = await generate(send, { prompt: STORY, format: schema, ...options });
          const value = JSON.parse(response) as Json;
          assert.isString(value.name);
          assert.isTrue(Number.isInteger(value.age));
          assert.isAtMost(usage["completion_tokens"] ?? 99, max_new_tokens);
        }
      }
      const tight = await post(send, "/generate", { prompt: STORY, format: schema, max_new_tokens: 2 });
      assert.match((await isProblem(tight, 400, "bad-request")).detail, /shortest answer .* takes \d+ tokens/);
      const odd = await post(send, "/generate", { prompt: STORY, format: { type: "string", pattern: "^a" } });
      assert.match((await isProblem(odd, 400, "bad-request")).detail, /schema cannot be enforced.*pattern/i);
    },
  },
  {
    name: "GET /health says what answers, and how it is doing",
    async run(send) {
      await generate(send, { prompt: PARIS });
      const response = await send("/health");
      assert.equal(response.status, 200);
      const health = (await response.json()) as Record<string, unknown>;
      assert.equal(health["status"], "ok");
      assert.equal(health["model"], "minivault-demo");
      assert.include(["webgpu", "wasm", "cpu"], health["device"] as string);
      assert.deepEqual(health["queue"], { active: 0, waiting: 0, max_waiting: 8 });
      assert.isNull(health["fallback"]);
      assert.equal(health["log_failures"], 0);
      assert.isAtLeast(health["requests"] as number, 1);
      assert.isAtLeast(health["uptime_s"] as number, 0);
      assert.hasAllKeys(health["latency_ms"] as object, ["mean", "p50", "p95"]);
      assert.hasAllKeys(health["ttft_ms"] as object, ["mean", "p50", "p95"]);
      assert.property(health, "storage"); // what a host cannot tell is null
    },
  },
  {
    name: "HEAD answers like GET, without a body",
    async run(send) {
      await generate(send, { prompt: PARIS }); // until then health may say that the model is loading
      const response = await send("/health", { method: "HEAD" });
      assert.equal(response.status, 200);
      assert.equal(await response.text(), "");
    },
  },
  {
    name: "requests take turns; one too many is a 503 with Retry-After, and is logged",
    async run(send) {
      const prefix = newId();
      const body = { prompt: STORY, temperature: 3, seed: 1, max_new_tokens: 240 };
      const ids = Array.from({ length: 20 }, (_, index) => `${prefix}-${index}`);
      const responses = await Promise.all(ids.map((id) => post(send, "/generate", body, { "x-request-id": id })));
      const refused = responses.filter(({ status }) => status === 503);
      const answered = responses.filter(({ status }) => status === 200);
      assert.equal(refused.length + answered.length, 20);
      assert.isAtLeast(answered.length, 9);
      assert.isAtLeast(refused.length, 1);
      for (const response of refused) {
        assert.match(response.headers.get("retry-after") ?? "", /^[1-9]\d*$/);
        await isProblem(response, 503, "queue-full");
      }
      const texts = new Set(await Promise.all(answered.map(async (one) => ((await one.json()) as Answer).response)));
      assert.equal(texts.size, 1);
      for (const id of ids) assert.oneOf((await closedRecord(send, id)).finish_reason, ["length", "stop", "error"]);
    },
  },
  {
    name: "a stream that is left is closed in the log and lets the next request in",
    async run(send) {
      const requestId = newId();
      const abort = new AbortController();
      const body = { prompt: STORY, temperature: 3, seed: 1, max_new_tokens: 250 };
      const headers = { accept: "text/plain", "x-request-id": requestId };
      const response = await post(send, "/generate/stream", body, headers, abort.signal);
      const reader = response.body?.getReader();
      assert.isFalse((await reader?.read())?.done);
      await reader?.cancel();
      abort.abort();
      assert.equal((await generate(send, { prompt: PARIS })).response, " Paris.");
      const record = await closedRecord(send, requestId);
      // A fast model and a deep buffer between it and the reader may have been done by then.
      assert.oneOf(record.finish_reason, ["cancelled", "length", "stop"]);
      assert.isNotEmpty(record.response);
    },
  },
];
