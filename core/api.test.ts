import { expect, test } from "vitest";
import { createMemoryLog } from "../logs-export/memory-log.ts";
import { createFakeModel } from "../tests/fixtures/fake-model.ts";
import { engineOf, fixedSources } from "../tests/fixtures/fixed-sources.ts";
import { createApi } from "./api.ts";
import { ERRORS, VaultError } from "./errors.ts";
import type { LogSink } from "./log/log-record.ts";
import type { Engine, ErrorCode } from "./protocol.ts";
import { DEFAULT_RULES, rulesOf, type SiteRules } from "./site-rules.ts";

/** Fails from the given forward pass on: the first is prefill. */
function failingApi(fromStep: number) {
  let step = 0;
  const model = createFakeModel({
    beforeStep: async () => {
      if (++step >= fromStep) throw new Error("the device is gone");
    },
  });
  const log = createMemoryLog();
  const engine = engineOf({ name: "fake", load: async () => model });
  const handle = createApi({ engine, log });
  const post = (path: string, accept = "*/*") =>
    handle(new Request(`http://x${path}`, { method: "POST", headers: { accept }, body: '{"prompt":"a"}' }));
  return { post, log };
}

test("a failure in prefill is a 500 for one JSON, and an error event in a stream", async () => {
  const { post, log } = failingApi(1);
  const response = await post("/generate");
  expect(response.status).toBe(500);
  expect(await response.json()).toMatchObject({ code: "engine-failed" });
  const stream = await post("/generate/stream", "text/event-stream");
  expect(await stream.text()).toMatch(/^id: 0\nevent: error\ndata: \{"error":\{.*"code":"engine-failed".*\}\}\n\n$/);
  expect(log.records.map(({ finish_reason }) => finish_reason)).toEqual(["error", "error"]);
});

test("a failure in the middle is the last event where there is room for one, and breaks the body where not", async () => {
  const { post } = failingApi(3);
  expect(await (await post("/generate/stream", "application/x-ndjson")).text()).toMatch(
    /^\{"response":"b"\}\n\{"response":"c"\}\n\{"error":\{.*"status":500.*\},"done":true\}\n$/,
  );
  await expect(
    failingApi(3)
      .post("/generate/stream")
      .then((response) => response.text()),
  ).rejects.toThrow();
  await expect(
    failingApi(3)
      .post("/generate")
      .then((response) => response.json()),
  ).rejects.toThrow();
});

test("after a failure the queue is free", async () => {
  const { post } = failingApi(1);
  for (let round = 0; round < 12; round++) expect((await post("/generate")).status).toBe(500);
});

test("routes start at the base path", async () => {
  const engine: Engine = engineOf({ name: "fake", load: async () => createFakeModel() });
  const handle = createApi({ engine, log: createMemoryLog(), basePath: "/vault/" });
  const at = async (path: string) =>
    (await handle(new Request(`http://x${path}`, { method: "POST", body: '{"prompt":"a"}' }))).status;
  expect(await at("/vault/generate")).toBe(200);
  expect(await at("/generate")).toBe(404);
});

test("health tells an engine that is not there from one that failed", async () => {
  const absent = engineOf({ name: "fake", load: async () => createFakeModel() });
  const health = async (engine: Engine) => {
    const response = await createApi({ engine, log: createMemoryLog() })(new Request("http://x/health"));
    return { status: response.status, ...(await response.json()) };
  };
  expect(await health(absent)).toMatchObject({ status: "absent", error: { code: 503, type: "unavailable_error" } });
  const failed = engineOf({ name: "fake", load: () => Promise.reject(new Error("no file")) });
  await failed.preload();
  expect(await health(failed)).toMatchObject({
    status: "failed",
    error: { message: expect.stringContaining("no file") },
  });
});

test("a site has no more logged than it wants, whatever a request asks for, also of one that fails", async () => {
  const log = createMemoryLog();
  const engine = engineOf({ name: "fake", load: async () => createFakeModel() });
  const rules = async (): Promise<SiteRules> => ({ ...DEFAULT_RULES, log: { level: "metadata", redactor: null } });
  const handle = createApi({ engine, log, rules });
  const headers = { "x-minivault-log": "full" };
  const post = (body: object) =>
    handle(new Request("http://x/generate", { method: "POST", headers, body: JSON.stringify(body) }));
  expect((await post({ prompt: "my secret", max_new_tokens: 2 })).status).toBe(200);
  expect((await post({ prompt: "a", temperature: "my secret" })).status).toBe(400);
  expect(log.records).toMatchObject([
    { level: "metadata", finish_reason: "length", usage: { completion_tokens: 2 } },
    { level: "metadata", error: { code: "bad-request", detail: "Bad request", status: 400 } },
  ]);
  expect(JSON.stringify(log.records)).not.toContain("secret");
});

test("a site whose configuration is wrong generates nothing, logs no texts, and goes on once it is mended", async () => {
  const log = createMemoryLog();
  const engine = engineOf({ name: "fake", load: async () => createFakeModel() });
  let text = '{"log": {"level": "some"}}';
  const handle = createApi({ engine, log, rules: async () => rulesOf(text) });
  for (const path of ["/generate", "/generate/stream", "/v1/completions", "/api/generate"]) {
    const refused = await handle(post(path, { prompt: "my secret", model: "fake" }));
    expect(refused.status).toBe(500);
    expect(await refused.text()).toMatch(/is wrong at log.level/);
  }
  const records = { level: "metadata", prompt: null, error: { code: "bad-config", detail: "Bad configuration" } };
  expect(log.records).toMatchObject([records, records, records, records]);
  expect((await handle(new Request("http://x/logs"))).status).toBe(200); // what is there can be had
  text = "{}";
  expect((await handle(post("/generate", { prompt: "a", max_new_tokens: 1 }))).status).toBe(200);
});

test("a log that cannot be read is a 500 that says so, and does not stand in the way of an answer", async () => {
  const denied: LogSink = {
    begin: () => Promise.reject(new Error("storage is denied")),
    find: () => Promise.reject(new Error("storage is denied")),
    delete: () => Promise.reject(new Error("storage is denied")),
    deleteBefore: () => Promise.reject(new Error("storage is denied")),
    import: () => Promise.reject(new Error("storage is denied")),
    count: () => Promise.reject(new Error("storage is denied")),
    kept: () => Promise.reject(new Error("storage is denied")),
    reopen: () => Promise.reject(new Error("storage is denied")),
    chain: () => Promise.reject(new Error("storage is denied")),
    totals: () => Promise.reject(new Error("storage is denied")),
    storage: () => Promise.reject(new Error("storage is denied")),
    vault: null,
    read: () =>
      new ReadableStream({
        pull() {
          throw new Error("storage is denied");
        },
      }),
  };
  const engine = engineOf({ name: "fake", load: async () => createFakeModel() });
  const handle = createApi({ engine, log: denied });
  const logs = await handle(new Request("http://x/logs"));
  expect([logs.status, await logs.json()]).toMatchObject([500, { code: "log-failed" }]);
  const answer = await handle(new Request("http://x/generate", { method: "POST", body: '{"prompt":"a"}' }));
  expect(await answer.json()).toMatchObject({ finish_reason: "length" });
  const health = await (await handle(new Request("http://x/health"))).json();
  expect(health).toMatchObject({ status: "ok", log_readable: false, storage: null });
  expect(health.log_failures).toBeGreaterThan(0);
  expect(await (await handle(new Request("http://x/metrics"))).text()).toMatch(/^minivault_log_failures_total [1-9]/m);
});

/** Every request fails with this code. */
function refusing(code: ErrorCode) {
  const refuse = () => Promise.reject(new VaultError(code, "Do this."));
  const local = engineOf({ name: "fake", load: async () => createFakeModel() });
  return createApi({ engine: { ...local, admit: refuse }, log: createMemoryLog() });
}
const post = (path: string, body: object, headers: Record<string, string> = {}) =>
  new Request(`http://x${path}`, { method: "POST", headers, body: JSON.stringify(body) });
const messages = [{ role: "user", content: "a" }];

test.each(Object.entries(ERRORS))(
  "%s has its status in every dialect, and a 503 says when to come back",
  async (name, row) => {
    const code = name as ErrorCode;
    const answers = await Promise.all(
      [
        post("/generate", { prompt: "a" }),
        post("/v1/chat/completions", { messages }),
        post("/api/chat", { model: "fake", messages }),
      ].map((request) => refusing(code)(request)),
    );
    const isTooLong = code === "prompt-too-long";
    for (const [index, response] of answers.entries()) {
      expect(response.status).toBe(isTooLong && index === 1 ? 400 : row.status); // as OpenAI's clients know it
      expect(response.headers.has("retry-after")).toBe(row.status === 503);
    }
    const [own, openai, ollama] = await Promise.all(answers.map((response) => response.json()));
    expect(own).toEqual({
      type: `urn:minivault:error:${code}`,
      title: row.title,
      status: row.status,
      detail: "Do this.",
      code,
    });
    const theirs: Partial<Record<ErrorCode, string>> = {
      "prompt-too-long": "context_length_exceeded",
      "rate-limited": "rate_limit_exceeded",
    };
    expect(openai).toEqual({
      error: {
        message: isTooLong ? "This model's maximum context length is exceeded. Do this." : "Do this.",
        type: expect.stringMatching(/_error$/),
        param: isTooLong ? "messages" : null,
        code: theirs[code] ?? code.replaceAll("-", "_"),
      },
    });
    expect(ollama).toEqual({ error: code === "model-not-found" ? "model 'fake' not found: Do this." : "Do this." });
  },
);

test("a request whose model is still on its way when patience ends is told how far it is, and to ask again", async () => {
  let arrive = () => {};
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const engine = engineOf({
    name: "fake",
    async load(report) {
      report({ loadedBytes: 40e6, totalBytes: 85e6 });
      await arrived;
      return createFakeModel();
    },
  });
  const handle = createApi({ engine, log: createMemoryLog(), patience: { answerMs: 50 } });
  const ask = () => handle(post("/generate", { prompt: "a", max_new_tokens: 2 }));

  for (const path of ["/generate", "/generate/stream"]) {
    const late = await handle(post(path, { prompt: "a" }));
    expect([late.status, late.headers.get("retry-after")]).toEqual([504, "10"]);
    expect((await late.json()).detail).toMatch(/fake is still on its way: 40 of 85 MB\. Ask again/);
  }
  arrive();
  let again = await ask();
  while (again.status === 504) again = await ask();
  expect(await again.json()).toMatchObject({ response: "bc" });
});

test("OpenAI's clients are told not to try a hard failure again, and to try a full queue", async () => {
  const retry = async (code: ErrorCode) =>
    (await refusing(code)(post("/v1/completions", { prompt: "a" }))).headers.get("x-should-retry");
  expect(await retry("engine-failed")).toBe("false");
  expect(await retry("queue-full")).toBeNull();
});

test("each client has a rate limit of its own, and is told how much is left of it", async () => {
  let clockMs = 0;
  const engine = engineOf({ name: "fake", load: async () => createFakeModel() });
  const rules = async () => ({ ...DEFAULT_RULES, rateLimit: { burst: 2, perMinute: 6 } }); // anew for each request
  const handle = createApi({ engine, log: createMemoryLog(), rules, now: () => clockMs });
  const ask = (client: string) => handle(post("/v1/completions", { prompt: "a", max_tokens: 1 }), client);

  expect((await ask("one")).headers.get("ratelimit-remaining")).toBe("1");
  expect((await ask("one")).status).toBe(200);
  const refused = await ask("one");
  expect(refused.status).toBe(429);
  expect(Object.fromEntries(refused.headers)).toMatchObject({
    "retry-after": "10",
    "ratelimit-limit": "2",
    "ratelimit-remaining": "0",
    "ratelimit-reset": "20",
    "ratelimit-policy": "2;w=20",
  });
  expect(await refused.json()).toMatchObject({ error: { type: "rate_limit_error", code: "rate_limit_exceeded" } });
  expect((await ask("two")).status).toBe(200);
  clockMs += 10_000;
  expect((await ask("one")).status).toBe(200);
  expect((await handle(new Request("http://x/health"), "one")).status).toBe(200); // looking costs nothing
});

test("the caller's trace context is in the log, if it is one", async () => {
  const log = createMemoryLog();
  const engine = engineOf({ name: "fake", load: async () => createFakeModel() });
  const handle = createApi({ engine, log });
  const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  for (const given of [traceparent, "anything"]) {
    await (await handle(post("/generate", { prompt: "a" }, { traceparent: given }))).text();
  }
  expect(log.records.map((record) => record.trace_id)).toEqual(["4bf92f3577b34da6a3ce929d0e0e4736", null]);
});

test("health tells where the handler runs", async () => {
  const engine = engineOf({ name: "fake", load: async () => createFakeModel() });
  const health = async (host?: "service-worker" | "page") => {
    const handle = createApi({ engine, log: createMemoryLog(), ...(host && { host }) });
    return (await handle(new Request("http://x/health"))).json();
  };
  expect([await health(), await health("page"), await health("service-worker")]).toMatchObject([
    { host: "process" },
    { host: "page" },
    { host: "service-worker" },
  ]);
});

test("a model that was unloaded leaves the API in health, and is loaded by the next request", async () => {
  const engine = engineOf({ name: "fake", load: async () => createFakeModel() });
  const handle = createApi({ engine, log: createMemoryLog() });
  const ollama = async (body: object) =>
    (await handle(post("/api/generate", { model: "fake:latest", stream: false, ...body }))).json();
  const health = async () => (await handle(new Request("http://x/health"))).json();
  const running = async () => (await (await handle(new Request("http://x/api/ps"))).json()).models.length;

  expect(await ollama({ keep_alive: "10m" })).toMatchObject({ model: "fake:latest", done: true, done_reason: "load" });
  expect(await running()).toBe(1);
  expect(await ollama({ keep_alive: 0 })).toMatchObject({ done: true, done_reason: "unload" });
  expect(await health()).toMatchObject({ status: "ok", state: "unloaded", model: "fake" });
  expect(await running()).toBe(0);
  expect(await ollama({ prompt: "a", options: { num_predict: 2 }, keep_alive: 0 })).toMatchObject({ eval_count: 2 });
  expect(await running()).toBe(0);
});

test("/slots and /metrics show who is being answered, and who waits", async () => {
  let letOn!: () => void;
  const held = new Promise<void>((resolve) => {
    letOn = resolve;
  });
  let steps = 0;
  const model = createFakeModel({ beforeStep: () => (++steps > 2 ? held : Promise.resolve()) });
  const engine = engineOf({ name: "fake", load: async () => model });
  const handle = createApi({ engine, log: createMemoryLog(), newId: () => "the-id" });
  const get = (path: string) => handle(new Request(`http://x${path}`));

  const first = await handle(post("/generate/stream", { prompt: "a", max_new_tokens: 5 }));
  const reader = first.body!.getReader();
  await reader.read();
  const second = await handle(post("/api/generate", { model: "fake", prompt: "a", options: { num_predict: 1 } }));
  expect(await (await get("/slots")).json()).toMatchObject([
    { is_processing: true, id_task: "the-id", endpoint: "POST /generate/stream", next_token: { n_decoded: 1 } },
  ]);
  const noSlot = await get("/slots?fail_on_no_slot=1");
  expect([noSlot.status, noSlot.headers.has("retry-after")]).toEqual([503, true]);
  const metrics = await (await get("/metrics")).text();
  expect(metrics).toMatch(/^minivault_requests_processing 1$/m);
  expect(metrics).toMatch(/^minivault_requests_deferred 1$/m);

  letOn();
  for (let next = await reader.read(); !next.done; next = await reader.read());
  await second.text();
  for (const path of ["/slots", "/slots?fail_on_no_slot=1"]) {
    expect(await (await get(path)).json()).toMatchObject([{ is_processing: false, id_task: null }]);
  }
});

test("a request whose model is still on its way holds up nobody whose model is there", async () => {
  let arrive = () => {};
  const onItsWay = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const fake = { name: "fake", load: async () => createFakeModel() };
  const slow = { name: "slow", load: () => onItsWay.then(() => createFakeModel({ name: "slow" })) };
  const engine = engineOf(fake, { sources: fixedSources(fake, slow), maxResidents: 2 });
  const handle = createApi({ engine, log: createMemoryLog() });
  const ask = async (model: string) =>
    (await handle(post("/generate", { model, prompt: "a", max_new_tokens: 2 }))).json();

  const first = ask("slow");
  expect(await ask("fake")).toMatchObject({ model: "fake", response: "bc" });
  arrive();
  expect(await first).toMatchObject({ model: "slow", response: "bc" });
});
