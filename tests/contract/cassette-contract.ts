import { assert } from "chai";
import type { LogRecord } from "../../core/log/log-record.ts";
import { upgradeRecord } from "../../core/log/upgrade-record.ts";
import { SCHEMA_3 } from "../fixtures/old-records.ts";
import {
  type ContractCase,
  closedRecord,
  dataLines,
  generate,
  isProblem,
  newId,
  post,
  stream,
} from "./contract-case.ts";

const MODEL = "cassette:contract";
const HOUR_MS = 3_600_000;
const QUESTION = "What is the capital of France?";

const BASE = { ...upgradeRecord(SCHEMA_3), messages: null, queue_ms: 0, ttft_ms: 1 };

/** What every host of the contract has as `contract.jsonl`. No model has ever said any of it. */
export const CASSETTE: readonly LogRecord[] = [
  {
    ...BASE,
    id: "text",
    prompt: QUESTION,
    response: " Paris 中文 🦊.",
    tokens: [
      [3, 1],
      [0, 2],
      [6, 30],
      [3, 31],
      [1, 31],
    ],
  },
  { ...BASE, id: "chat", prompt: null, messages: [{ role: "user", content: QUESTION }], response: "It is Paris." },
  { ...BASE, id: "ids", prompt: [464, 1068], response: " a story" },
  { ...BASE, id: "first", prompt: "Again?", response: "one" },
  { ...BASE, id: "second", prompt: "Again?", response: "two" },
  {
    ...BASE,
    id: "slow",
    prompt: "Slowly",
    response: "At last",
    tokens: [
      [3, 1],
      [4, HOUR_MS],
    ],
  },
];

export const CASSETTE_CONTRACT: readonly ContractCase[] = [
  {
    name: "a cassette gives a recorded request its recorded answer, token by token, in every dialect",
    async run(send) {
      const requestId = newId();
      const asked = { model: MODEL, prompt: QUESTION };
      const answer = await generate(send, asked, { "x-request-id": requestId });
      assert.include(answer, { response: " Paris 中文 🦊.", model: MODEL, finish_reason: "stop" });
      assert.deepEqual(answer.usage, { prompt_tokens: 13, completion_tokens: 4, total_tokens: 17 });
      const record = await closedRecord(send, requestId);
      assert.include(record, { engine: "cassette", device: "wasm", response: answer.response });
      assert.deepEqual(
        record.tokens?.map(([length]) => length),
        [3, 0, 6, 3, 1],
      );
      const times = record.tokens?.map(([, ms]) => ms) ?? [];
      assert.deepEqual(
        times,
        times.toSorted((a, b) => a - b),
      );

      const lines = dataLines((await stream(send, asked, "text/event-stream")).text);
      const tokens = lines.slice(0, -1).map((line) => (JSON.parse(line) as { token: string }).token);
      assert.deepEqual(tokens, [" Pa", "", "ris 中文", " 🦊", "."]);

      const said = async (path: string, body: object) =>
        (await post(send, path, { model: MODEL, stream: false, ...body })).text();
      const messages = [{ role: "user", content: QUESTION }];
      assert.include(await said("/v1/chat/completions", { messages }), '"It is Paris."');
      assert.include(await said("/api/chat", { messages }), '"It is Paris."');
      assert.include(await said("/v1/completions", { prompt: [464, 1068], max_tokens: 128 }), '" a story"');
      assert.include(await said("/api/generate", { prompt: QUESTION, raw: true }), '" Paris 中文 🦊."');
      const chunks = await said("/v1/chat/completions", { messages, stream: true });
      const content = dataLines(chunks)
        .filter((line) => line !== "[DONE]")
        .map((line) => JSON.parse(line).choices[0]?.delta.content ?? "");
      assert.equal(content.join(""), "It is Paris.");
    },
  },
  {
    name: "several recordings of one request are told in their order; a cassette that was unloaded begins anew",
    async run(send) {
      const unload = () => post(send, "/api/generate", { model: MODEL, keep_alive: 0, stream: false });
      await unload();
      const next = async () => (await generate(send, { model: MODEL, prompt: "Again?" })).response;
      assert.deepEqual([await next(), await next(), await next()], ["one", "two", "two"]);
      assert.equal((await unload()).status, 200);
      assert.equal(await next(), "one");
    },
  },
  {
    name: "a request that was not recorded is a 404 that shows the nearest recording, in the dialect's own words",
    async run(send) {
      const italy = { model: MODEL, prompt: "What is the capital of Italy?" };
      const { detail } = await isProblem(await post(send, "/generate", italy), 404, "no-recording");
      assert.include(detail, `contract.jsonl has no answer to this request. The nearest of its 6 recordings is text:`);
      assert.include(detail, 'its prompt goes on with "France?" after 23 characters, not with "Italy?"');
      const hot = { model: MODEL, prompt: QUESTION, temperature: 0.5 };
      const other = await isProblem(await post(send, "/generate/stream", hot), 404, "no-recording");
      assert.match(other.detail, /is text: its temperature is 0, not 0\.5\.$/);

      const messages = [{ role: "user", content: "Who are you?" }];
      const openai = await post(send, "/v1/chat/completions", { model: MODEL, messages });
      assert.equal(openai.status, 404);
      assert.match((await openai.json()).error.message, /is chat: its prompt goes on with "at is/);
      const ollama = await post(send, "/api/chat", { model: MODEL, messages });
      assert.equal(ollama.status, 404);
      assert.match((await ollama.json()).error, /is chat: its prompt/);

      const none = await isProblem(
        await post(send, "/generate", { prompt: "a", model: "cassette:none" }),
        404,
        "model-not-found",
      );
      assert.match(none.detail, /^There is no cassette none: it would be .*\/none\.jsonl\.$/);
    },
  },
  {
    name: "a stream of a cassette that is cancelled stops, however long its next token would have taken",
    async run(send) {
      const requestId = newId();
      const body = { model: MODEL, prompt: "Slowly", stream: true };
      const answer = await post(send, "/generate", body, { "x-request-id": requestId });
      const reader = answer.body?.getReader() ?? assert.fail("no body");
      await reader.read();
      await reader.cancel();
      const record = await closedRecord(send, requestId);
      assert.include(record, { finish_reason: "cancelled", response: "At " });
      assert.equal((await generate(send, { model: MODEL, prompt: QUESTION })).finish_reason, "stop");
    },
  },
];
