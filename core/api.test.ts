import { expect, test } from "vitest";
import { createLocalEngine } from "../engine/local-engine.ts";
import { createFakeModel } from "../tests/fixtures/fake-model.ts";
import { createMemoryLog } from "../tests/fixtures/memory-log.ts";
import { createApi } from "./api.ts";
import { ERRORS, problemResponse, VaultError } from "./errors.ts";
import type { Engine, ErrorCode, LogSink } from "./protocol.ts";

/** Fails from the given forward pass on: the first is prefill. */
function failingApi(fromStep: number) {
  let step = 0;
  const model = createFakeModel({
    beforeStep: async () => {
      if (++step >= fromStep) throw new Error("the device is gone");
    },
  });
  const log = createMemoryLog();
  const engine = createLocalEngine({ wanted: { name: "fake", load: async () => model }, fallback: null });
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
  expect(await stream.text()).toMatch(/^event: error\ndata: \{"error":\{.*"code":"engine-failed".*\}\}\n\n$/);
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
  const engine: Engine = createLocalEngine({
    wanted: { name: "f", load: async () => createFakeModel() },
    fallback: null,
  });
  const handle = createApi({ engine, log: createMemoryLog(), basePath: "/vault/" });
  const at = async (path: string) =>
    (await handle(new Request(`http://x${path}`, { method: "POST", body: '{"prompt":"a"}' }))).status;
  expect(await at("/vault/generate")).toBe(200);
  expect(await at("/generate")).toBe(404);
});

test("health tells an engine that is not there from one that failed", async () => {
  const absent = createLocalEngine({ wanted: { name: "f", load: async () => createFakeModel() }, fallback: null });
  const health = async (engine: Engine) => {
    const response = await createApi({ engine, log: createMemoryLog() })(new Request("http://x/health"));
    return { status: response.status, ...(await response.json()) };
  };
  expect(await health(absent)).toMatchObject({ status: "absent", error: { code: 503, type: "unavailable_error" } });
  const failed = createLocalEngine({
    wanted: { name: "f", load: () => Promise.reject(new Error("no file")) },
    fallback: null,
  });
  await failed.load();
  expect(await health(failed)).toMatchObject({
    status: "failed",
    error: { message: expect.stringContaining("no file") },
  });
});

test("a log that cannot be read is a 500 that says so, and does not stand in the way of an answer", async () => {
  const denied: LogSink = {
    begin: () => Promise.reject(new Error("storage is denied")),
    read: () =>
      new ReadableStream({
        pull() {
          throw new Error("storage is denied");
        },
      }),
  };
  const engine = createLocalEngine({ wanted: { name: "f", load: async () => createFakeModel() }, fallback: null });
  const handle = createApi({ engine, log: denied });
  const logs = await handle(new Request("http://x/logs"));
  expect([logs.status, await logs.json()]).toMatchObject([500, { code: "log-failed" }]);
  const answer = await handle(new Request("http://x/generate", { method: "POST", body: '{"prompt":"a"}' }));
  expect(await answer.json()).toMatchObject({ finish_reason: "length" });
  const health = await (await handle(new Request("http://x/health"))).json();
  expect(health).toMatchObject({ status: "ok", log: { readable: false } });
  expect(health.log.failures).toBeGreaterThan(0);
});

test.each(Object.entries(ERRORS))(
  "a %s problem has its status, and a 503 says when to come back",
  async (code, row) => {
    const response = problemResponse(new VaultError(code as ErrorCode, "Do this."));
    expect(response.status).toBe(row.status);
    expect(response.headers.has("retry-after")).toBe(row.status === 503);
    expect(await response.json()).toEqual({
      type: `urn:minivault:error:${code}`,
      title: row.title,
      status: row.status,
      detail: "Do this.",
      code,
    });
  },
);
