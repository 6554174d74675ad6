import { assert } from "chai";
import { openApiDocument } from "../../core/openapi.ts";
import { DIALECTS } from "../../core/routing.ts";
import { SCHEMA_3 } from "../fixtures/old-records.ts";
import {
  type ContractCase,
  closedRecord,
  generate,
  isProblem,
  type Json,
  json,
  newId,
  PARIS,
  post,
  type Send,
} from "./contract-case.ts";
import { parsePrometheus } from "./parse-prometheus.ts";

const metrics = async (send: (path: string) => Promise<Response>) => {
  const response = await send("/metrics");
  assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  return parsePrometheus(await response.text());
};

/** The path, with the examples of its parameters. */
const fill = (path: string, parameters: Json[] = []): string => {
  const query = new URLSearchParams();
  let filled = path;
  for (const { name, in: place, example } of parameters) {
    if (place === "query") query.set(name, example);
    else filled = filled.replace(`{${name}}`, encodeURIComponent(example));
  }
  return query.size > 0 ? `${filled}?${query}` : filled;
};

/** The stream that the examples of the documentation go on with, and the record that they ask for. */
const examplesExist = async (send: Send): Promise<void> => {
  const headers = { accept: "text/event-stream", "x-request-id": "my-request", "x-conversation-id": "my-conversation" };
  await (await post(send, "/generate/stream", { prompt: PARIS }, headers)).text();
  await send("/logs/import", { method: "POST", body: JSON.stringify(SCHEMA_3) });
};

export const OPERATIONS_CONTRACT: readonly ContractCase[] = [
  {
    name: "GET /metrics is Prometheus' format, and counts what an exchange adds",
    async run(send) {
      const before = await metrics(send);
      const requestId = newId();
      await generate(send, { prompt: PARIS }, { "x-request-id": requestId });
      await closedRecord(send, requestId);
      const after = await metrics(send);
      const added = (name: string) => after.value(name) - before.value(name);
      assert.equal(added("minivault_prompt_tokens_total"), 13);
      assert.equal(added("minivault_tokens_predicted_total"), 4);
      assert.equal(added("minivault_n_decode_total"), 4);
      assert.isAbove(added("minivault_prompt_seconds_total"), 0);
      assert.isAbove(added("minivault_tokens_predicted_seconds_total"), 0);
      assert.equal(added('minivault_requests_total{dialect="minivault",outcome="stop"}'), 1);
      assert.equal(added("minivault_request_duration_seconds_count"), 1);
      assert.equal(added('minivault_time_to_first_token_seconds_bucket{le="+Inf"}'), 1);
      for (const name of [
        "n_tokens_max",
        "prompt_tokens_seconds",
        "predicted_tokens_seconds",
        "n_busy_slots_per_decode",
      ]) {
        assert.isAbove(after.value(`minivault_${name}`), 0);
      }
      assert.equal(after.value("minivault_requests_processing"), 0);
      assert.equal(after.value("minivault_requests_deferred"), 0);
      assert.equal(after.value("minivault_engine_ready"), 1);
    },
  },
  {
    name: "GET /props and /slots tell of the model and of what is being computed",
    async run(send) {
      await generate(send, { prompt: PARIS });
      const props = await json(await send("/props"));
      assert.include(props, {
        total_slots: 1,
        model_path: "minivault-demo",
        eos_token: "<|endoftext|>",
        is_sleeping: false,
      });
      assert.equal(props.default_generation_settings.n_ctx, 256);
      assert.equal(props.default_generation_settings.params.temperature, 0);
      assert.match(props.chat_template, /Assistant:/);
      const [slot, ...others] = await json<Json[]>(await send("/slots"));
      assert.deepEqual(others, []);
      assert.include(slot, { id: 0, n_ctx: 256, is_processing: false, id_task: null });
    },
  },
  {
    name: "POST /tokenize and /detokenize undo each other, and tell what a token spells",
    async run(send) {
      const text = "Ünï — 中文 🙂 Once upon a time";
      const { tokens } = await json(await post(send, "/tokenize", { content: text }));
      assert.isTrue(tokens.every(Number.isInteger));
      assert.equal((await json(await post(send, "/detokenize", { tokens }))).content, text);
      const pieces = (await json(await post(send, "/tokenize", { content: text, with_pieces: true }))).tokens as Json[];
      assert.deepEqual(
        pieces.map(({ id }) => id),
        tokens,
      );
      const bytes = pieces.flatMap(({ piece }) =>
        typeof piece === "string" ? [...new TextEncoder().encode(piece)] : piece,
      );
      assert.equal(new TextDecoder().decode(Uint8Array.from(bytes)), text);
      assert.deepEqual((await json(await post(send, "/tokenize", { content: "" }))).tokens, []);
      await isProblem(await post(send, "/detokenize", { tokens: [99_999] }), 400, "bad-request");
      await isProblem(await post(send, "/detokenize", { tokens: "1" }), 400, "bad-request");
      await isProblem(await post(send, "/tokenize", {}), 400, "bad-request");
    },
  },
  {
    name: "POST /detokenize spells control tokens; /tokenize reads them in a text, or takes them for text",
    async run(send) {
      const tokenize = async (body: object): Promise<Json[]> =>
        (await json(await post(send, "/tokenize", body))).tokens;
      const content = "One<|endoftext|>two";
      const read = await tokenize({ content });
      assert.include(read, 2047);
      assert.equal((await json(await post(send, "/detokenize", { tokens: read }))).content, content);
      assert.equal((await json(await post(send, "/detokenize", { tokens: [2047] }))).content, "<|endoftext|>");
      assert.deepEqual(await tokenize({ content, parse_special: true }), read);
      const asText = await tokenize({ content, parse_special: false });
      assert.notInclude(asText, 2047);
      assert.equal((await json(await post(send, "/detokenize", { tokens: asText }))).content, content);
      const pieces = await tokenize({ content, with_pieces: true });
      assert.equal(pieces.map(({ piece }) => piece).join(""), content);
      await isProblem(await post(send, "/tokenize", { content, parse_special: "no" }), 400, "bad-request");
    },
  },
  {
    name: "every example in openapi.json is answered, in a media type that it names",
    async run(send) {
      const { paths } = openApiDocument(DIALECTS, "/");
      let replayed = 0;
      await examplesExist(send);
      const replay = async (operation: Json, path: string, init: RequestInit) => {
        const response = await send(path, init);
        const asked = `${init.method} ${path} ${init.body}`;
        const promised = operation.responses[response.status] ?? assert.fail(`${asked}: ${response.status}`);
        const type = (response.headers.get("content-type") ?? "").split(";")[0] ?? "";
        await response.text();
        if (type) assert.property(promised.content, type, asked);
        else assert.isEmpty(promised.content, asked);
        replayed++;
      };
      for (const [path, operations] of Object.entries<Json>(paths)) {
        for (const [method, operation] of Object.entries<Json>(operations)) {
          if (path.startsWith("/logs/vault") && method === "post") continue; // the log of all others would be locked
          const init = { method: method.toUpperCase() };
          const { content } = operation.requestBody ?? {};
          if (!content?.["application/json"]) {
            await replay(operation, fill(path, operation.parameters), init);
            continue;
          }
          const { examples } = content["application/json"];
          assert.isNotEmpty(examples, path);
          for (const { value } of Object.values<Json>(examples)) {
            await replay(operation, path, { ...init, body: JSON.stringify(value) });
          }
        }
      }
      assert.isAtLeast(replayed, 30);
    },
  },
  {
    name: "OPTIONS tells which methods a route takes, in every dialect; HEAD is GET without a body",
    async run(send) {
      await examplesExist(send);
      const { paths } = openApiDocument(DIALECTS, "/");
      for (const [path, operations] of Object.entries<Json>(paths)) {
        const methods = Object.keys(operations);
        const url = fill(path, Object.values<Json>(operations)[0].parameters);
        const response = await send(url, { method: "OPTIONS" });
        assert.equal(response.status, 204);
        const allowed = methods.map((method) => (method === "get" ? "GET, HEAD" : method.toUpperCase()));
        assert.equal(response.headers.get("allow"), [...allowed, "OPTIONS"].join(", "));
        if (!methods.includes("get")) continue;
        const head = await send(url, { method: "HEAD" });
        assert.deepEqual([head.status, await head.text()], [200, ""], url);
      }
    },
  },
];
