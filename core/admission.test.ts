import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createMemoryLog } from "../logs-export/memory-log.ts";
import { createFakeModel } from "../tests/fixtures/fake-model.ts";
import { engineOf } from "../tests/fixtures/fixed-sources.ts";
import { PATIENCE } from "./admission.ts";
import { createApi } from "./api.ts";
import { VaultError } from "./errors.ts";
import type { Engine } from "./protocol.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] }));
afterEach(() => void vi.useRealTimers());

const LOADING = { model: "fake", phase: "downloading", loadedBytes: 1, totalBytes: 2 } as const;

/** An engine whose model comes when the test says so. */
function setUp() {
  const model = createFakeModel();
  const local = engineOf({ name: "fake", load: async () => model });
  let isHere = false;
  let come!: (failure?: VaultError) => void;
  const here = new Promise<void>((resolve, reject) => {
    come = (failure) => {
      isHere = true;
      if (failure) reject(failure);
      else resolve();
    };
  });
  const generated: string[] = [];
  const engine: Engine = {
    ...local,
    status: async () => (isHere ? local.status() : { state: "loading", ...LOADING }),
    admit: (request) => here.then(() => local.admit(request)),
    load: (...args) => here.then(() => local.load(...args)),
    tokenise: (...args) => here.then(() => local.tokenise(...args)),
    detokenise: (...args) => here.then(() => local.detokenise(...args)),
    generate(request) {
      if (request.prompt.type === "text") generated.push(request.prompt.text);
      return local.generate(request);
    },
  };
  const log = createMemoryLog();
  const handle = createApi({ engine, log });
  const post = (path: string, body: object) =>
    handle(new Request(`http://x${path}`, { method: "POST", body: JSON.stringify(body) }));
  return { post, come, log, generated };
}

const ask = (prompt: string) => ({ prompt, max_new_tokens: 2 });
const nine = Array.from({ length: 9 }, (_, index) => `left ${index}`);
const settle = () => vi.advanceTimersByTimeAsync(0);

test("nine streams that are left while the model loads are closed as cancelled, and hold up nobody", async () => {
  const { post, come, log, generated } = setUp();
  const left = Promise.all(nine.map((prompt) => post("/generate/stream", ask(prompt))));
  await vi.advanceTimersByTimeAsync(PATIENCE.pingMs);
  const tenth = post("/generate/stream", ask("the tenth"));
  for (const { body } of await left) await body?.cancel();
  expect(log.records.map(({ finish_reason }) => finish_reason)).toEqual([...Array(9).fill("cancelled"), null]);
  come();
  const response = await tenth;
  expect(response.status).toBe(200);
  expect(await response.text()).toHaveLength(2);
  expect(generated).toEqual(["the tenth"]);
});

test("a request that comes while nine wait for the model is not refused for them", async () => {
  for (const path of ["/generate", "/generate/stream"]) {
    const { post, come } = setUp();
    const waiting = nine.map((prompt) => post(path, ask(prompt)));
    const tenth = post(path, ask("the tenth"));
    await settle();
    come();
    for (const response of await Promise.all([...waiting, tenth])) {
      expect(response.status).toBe(200);
      await response.text();
    }
  }
});

test("no more wait for a model than is sensible", async () => {
  const { post, come } = setUp();
  const statuses: number[] = [];
  const all = Array.from({ length: 100 }, async (_, index) => {
    const response = await post("/generate", ask(`${index}`));
    statuses.push(response.status);
    await response.text();
  });
  await settle();
  expect(statuses).toEqual(Array(100 - 9 - 64).fill(503));
  come();
  await Promise.all(all);
  expect(statuses.filter((status) => status === 200)).toHaveLength(9 + 64);
});

test("a stream has a status as long as nothing is known to take long, and says what went wrong inside it else", async () => {
  const { post, come, log } = setUp();
  const early = post("/generate/stream", ask("early"));
  await vi.advanceTimersByTimeAsync(PATIENCE.pingMs);
  const late = post("/generate/stream", ask("late"));
  await settle();
  come(new VaultError("model-unavailable", "The hub cannot be reached."));
  expect((await late).status).toBe(503);
  const { status, body } = await early;
  expect(status).toBe(200);
  await expect(new Response(body).text()).rejects.toThrow("The hub cannot be reached.");
  expect(log.records.map(({ error }) => error?.code)).toEqual(["model-unavailable", "model-unavailable"]);
});

test("a stream waits for its model as long as it takes; everything else is told in time to ask again", async () => {
  const { post, come } = setUp();
  const stream = post("/generate/stream", ask("a"));
  const others = [
    post("/generate", ask("a")),
    post("/tokenize", { content: "a" }),
    post("/detokenize", { tokens: [1] }),
    post("/api/generate", { model: "fake" }),
  ];
  const answer = stream.then((response) => response.text());
  await vi.advanceTimersByTimeAsync(PATIENCE.answerMs);
  for (const response of await Promise.all(others)) expect(response.status).toBe(504);
  come();
  expect(await answer).toHaveLength(2);
});
