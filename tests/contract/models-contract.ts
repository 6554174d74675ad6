import { assert } from "chai";
import {
  type ContractCase,
  generate,
  isOllamaError,
  isProblem,
  type Json,
  json,
  jsonLines,
  PARIS,
  post,
  type Send,
} from "./contract-case.ts";

const model = "minivault-demo";
/** In every host the list has it, its files are not there, and its hub cannot be reached. */
const remote = "gpt2";

/** Ollama's way to say it. */
const load = async (send: Send) => json(await post(send, "/api/generate", { model, stream: false }));

const named = (models: Json[], name: string): Json =>
  models.find((one) => [one.name, one.id].includes(name)) ?? assert.fail(`${name} is not listed`);

const listed = async (send: Send, name: string) => named((await json(await send("/models"))).models, name);

const remove = (send: Send, body: unknown) => send("/api/delete", { method: "DELETE", body: JSON.stringify(body) });

export const MODELS_CONTRACT: readonly ContractCase[] = [
  {
    name: "GET /models lists what a request may name, and how much of it is here",
    async run(send) {
      await load(send);
      const response = await send("/models");
      assert.equal(response.headers.get("cache-control"), "no-store");
      const { models } = await json(response);
      const here = named(models, model);
      assert.include(here, { source: "embedded", state: "stored", loaded: true });
      assert.include(["cpu", "webgpu"], here.device);
      assert.notProperty(here, "loaded_bytes");
      assert.include(named(models, remote), { source: "hub", state: "remote", loaded: false, device: null });
      assert.equal(here.expires_at, here.expires_at && new Date(here.expires_at).toISOString());
    },
  },
  {
    name: "what is here need not be downloaded, and nobody waits for it",
    async run(send) {
      for (const [path, status] of [
        ["/models/pull", 202],
        ["/models/pause", 204],
      ] as const) {
        const response = await post(send, path, { model });
        assert.deepEqual([response.status, await response.text()], [status, ""], path);
      }
      assert.equal((await listed(send, model)).state, "stored");

      await load(send);
      const streamed = await post(send, "/api/pull", { model: `${model}:latest` });
      assert.equal(streamed.headers.get("content-type"), "application/x-ndjson");
      assert.deepEqual(jsonLines<Json>(await streamed.text()).at(-1), { status: "success" });
      assert.deepEqual(await json(await post(send, "/api/pull", { name: model, stream: false })), {
        status: "success",
      });
    },
  },
  {
    name: "Ollama's tags are the models that are here; OpenAI's list has all of them, with llama.cpp's status",
    async run(send) {
      await load(send);
      const tags = (await json(await send("/api/tags"))).models as Json[];
      named(tags, `${model}:latest`);
      assert.notInclude(
        tags.map(({ name }) => name),
        `${remote}:latest`,
      );
      const { object, data } = await json(await send("/v1/models"));
      assert.equal(object, "list");
      assert.deepEqual(named(data, model).status, { value: "loaded" });
      assert.deepEqual(named(data, remote).status, { value: "remote" });
      assert.deepEqual((await json(await send(`/v1/models/${remote}`))).status, { value: "remote" });
      await json(await post(send, "/api/generate", { model, stream: false, keep_alive: 0 }));
      assert.deepEqual((await json(await send(`/v1/models/${model}`))).status, { value: "unloaded" });
      await load(send);
    },
  },
  {
    name: "Ollama shows a model without loading it",
    async run(send) {
      await load(send);
      const shown = await json(await post(send, "/api/show", { model: remote }));
      assert.include(shown.capabilities, "completion");
      assert.equal(shown.template, "");
      assert.equal(shown.modified_at, new Date(shown.modified_at).toISOString());
      const running = (await json(await send("/api/ps"))).models as Json[];
      assert.deepEqual(
        running.map(({ name }) => name),
        [`${model}:latest`],
      );
    },
  },
  {
    name: "a model that there is not is a 404 that names those that there are, in every dialect and on every route",
    async run(send) {
      await load(send);
      const unknown = { model: "llama-9" };
      const says = /llama-9.*minivault-demo/;
      for (const path of ["/generate", "/generate/stream", "/models/pull", "/models/pause"]) {
        const response = await post(send, path, { ...unknown, prompt: "a" });
        assert.match((await isProblem(response, 404, "model-not-found")).detail, says, path);
      }
      const chat = { ...unknown, messages: [{ role: "user", content: "a" }] };
      for (const path of ["/api/generate", "/api/chat", "/api/show", "/api/pull"]) {
        assert.match(await isOllamaError(await post(send, path, { ...chat, prompt: "a" }), 404), says, path);
      }
      assert.match(await isOllamaError(await remove(send, unknown), 404), says);
      for (const response of [await post(send, "/v1/chat/completions", chat), await send("/v1/models/llama-9")]) {
        assert.equal(response.status, 404);
        const { error } = (await response.json()) as Json;
        assert.include(error, { type: "invalid_request_error", code: "model_not_found" });
        assert.match(error.message, says);
      }
    },
  },
  {
    name: "a model whose hub cannot be reached is a 503 with Retry-After; another one does not answer in its place",
    async run(send) {
      const ours = await post(send, "/generate", { prompt: PARIS, model: remote });
      assert.match(ours.headers.get("retry-after") ?? "", /^\d+$/);
      await isProblem(ours, 503, "model-unavailable");
      const theirs = await post(send, "/v1/completions", { prompt: PARIS, model: remote });
      assert.equal(theirs.status, 503);
      assert.equal(((await theirs.json()) as Json).error.code, "model_unavailable");
      assert.match(await isOllamaError(await post(send, "/api/pull", { model: remote }), 503), /cannot be reached/);
      await isProblem(await post(send, "/models/pull", { model: remote }), 503, "model-unavailable");
      assert.equal((await generate(send, { prompt: PARIS })).model, model);
    },
  },
  {
    name: "what comes with the app is not deleted; what is not here is gone already",
    async run(send) {
      await load(send);
      assert.match(await isOllamaError(await remove(send, { model }), 400), /comes with the app/);
      assert.equal((await generate(send, { prompt: PARIS })).response, " Paris.");
      assert.equal((await remove(send, { name: remote })).status, 200);
      assert.equal((await listed(send, remote)).state, "remote");
    },
  },
  {
    name: "what is wrong with a request for a model is said, in its dialect's words",
    async run(send) {
      assert.match(await isOllamaError(await remove(send, {}), 400), /^model is missing/);
      assert.match(await isOllamaError(await remove(send, { model: 3 }), 400), /model/);
      assert.match(await isOllamaError(await send("/api/delete", { method: "DELETE" }), 400), /JSON/);
      assert.match(await isOllamaError(await post(send, "/api/pull", {}), 400), /^model is missing/);
      await isProblem(await post(send, "/models/pull", {}), 400, "bad-request");
      await isProblem(await post(send, "/models/pause", { model: "" }), 400, "bad-request");
    },
  },
  {
    name: "a wrong method for a model's route is a 405 with Allow",
    async run(send) {
      const allow = async (method: string, path: string) => {
        const response = await send(path, { method });
        await response.text();
        return [response.status, response.headers.get("allow")];
      };
      assert.deepEqual(await allow("POST", "/models"), [405, "GET, HEAD, OPTIONS"]);
      assert.deepEqual(await allow("GET", "/models/pull"), [405, "POST, OPTIONS"]);
      assert.deepEqual(await allow("DELETE", "/models/pause"), [405, "POST, OPTIONS"]);
      assert.deepEqual(await allow("GET", "/api/pull"), [405, "POST, OPTIONS"]);
      assert.deepEqual(await allow("POST", "/api/delete"), [405, "DELETE, OPTIONS"]);
    },
  },
];
