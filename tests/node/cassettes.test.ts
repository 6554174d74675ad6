import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readCassette } from "../../cli/cassette-folder.ts";
import { createApi, type FetchHandler } from "../../core/api.ts";
import { createCassetteEngine } from "../../core/cassette/cassette-engine.ts";
import type { LogRecord } from "../../core/log/log-record.ts";
import { createMemoryLog } from "../../logs-export/memory-log.ts";
import { engineOf } from "../fixtures/fixed-sources.ts";
import { embeddedModel } from "../fixtures/node-model.ts";

const PARIS = "Q: What is the capital of France?\nA:";
const QUESTION = [{ role: "user", content: "What model are you?" }];

const REQUESTS: readonly [path: string, body: object][] = [
  ["/generate", { prompt: PARIS }],
  ["/generate/stream", { prompt: PARIS, max_new_tokens: 3 }],
  ["/generate", { prompt: "Once upon a time", max_new_tokens: 24, temperature: 0.9 }],
  ["/generate", { prompt: "A red fox:", format: "json", max_new_tokens: 40 }],
  ["/generate", { prompt: PARIS, stop: ["ris"] }],
  ["/v1/chat/completions", { messages: QUESTION }],
  ["/v1/chat/completions", { messages: QUESTION, stream: true, max_tokens: 4 }],
  ["/v1/completions", { prompt: [464, 1068], max_tokens: 10 }],
  ["/api/chat", { model: "MODEL", messages: QUESTION, stream: false }],
  ["/api/generate", { model: "MODEL", prompt: PARIS, options: { num_predict: 5 } }],
];

/** Sends them all, to this model where one has to be named; returns what was logged, in order. */
async function askAll(handle: FetchHandler, model: string) {
  for (const [path, body] of REQUESTS) {
    const named = "model" in body ? { ...body, model } : body;
    const init = { method: "POST", body: JSON.stringify(named) };
    const response = await handle(new Request(`http://localhost${path}`, init));
    expect([path, response.status, await response.text()]).toEqual([path, 200, expect.any(String)]);
  }
  const jsonl = await (await handle(new Request("http://localhost/logs/export?format=jsonl"))).text();
  const records = jsonl
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as LogRecord);
  return { jsonl, records };
}

/** What an answer is, whoever gave it and how long it took. */
const answerOf = ({ prompt, messages, response, options, usage, finish_reason, tokens }: LogRecord) => ({
  ...{ prompt, messages, response, options, usage, finish_reason },
  lengths: tokens?.map(([length]) => length),
});

test("an export is a cassette: every request of it is answered again, token for token, and no model is there", async () => {
  const recorded = await askAll(
    createApi({ engine: engineOf(embeddedModel), log: createMemoryLog() }),
    "minivault-demo",
  );

  const folder = mkdtempSync(join(tmpdir(), "minivault-cassettes-"));
  const nothing = { name: "none", load: () => Promise.reject(new Error("A model was loaded.")) };
  const cassettes = { read: (name: string) => readCassette(folder, name), where: `${folder}/` };
  let { jsonl } = recorded;
  for (const name of ["first", "copied"]) {
    writeFileSync(join(folder, `${name}.jsonl`), jsonl);
    const engine = createCassetteEngine(engineOf(nothing), { ...cassettes, wanted: `cassette:${name}` });
    const handle = createApi({ engine, log: createMemoryLog() });
    const again = await askAll(handle, `cassette:${name}`);
    expect(again.records.map(answerOf)).toEqual(recorded.records.map(answerOf));
    expect(new Set(again.records.map(({ model }) => model))).toEqual(new Set([`cassette:${name}`]));
    const health = await handle(new Request("http://localhost/health"));
    expect([health.status, await health.json()]).toMatchObject([200, { model: `cassette:${name}` }]);
    ({ jsonl } = again); // what a cassette says is logged, and is a cassette
  }
});
