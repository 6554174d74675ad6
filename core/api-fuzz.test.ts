import fc from "fast-check";
import { expect, test } from "vitest";
import { createConstrainer } from "../engine/grammar/constraint.ts";
import type { LanguageModel } from "../engine/model.ts";
import { createMemoryLog } from "../logs-export/memory-log.ts";
import { createFakeModel } from "../tests/fixtures/fake-model.ts";
import { engineOf } from "../tests/fixtures/fixed-sources.ts";
import { createApi } from "./api.ts";
import { NDJSON } from "./encode/lines.ts";
import { DIALECTS } from "./routing.ts";
import { DEFAULT_RULES } from "./site-rules.ts";

const POSTS = DIALECTS.flatMap((dialect) =>
  dialect.routes
    .filter(({ method, body }) => method === "POST" && body)
    .map((route) => ({ dialect: dialect.name, ...route })),
);

/** Values that are right for some field, or nearly. */
const value = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<unknown>("a", "fake", "json", "user", 0, 1, 2, 0.5, -1, true, false, null) },
  { weight: 1, arbitrary: fc.constantFrom<unknown>([], {}, ["a"], [1, 2], { type: "object" }, { "3": 4 }, "5m") },
  {
    weight: 1,
    arbitrary: fc.constantFrom<unknown>(
      [{ role: "user", content: "a" }],
      { type: "json_schema", json_schema: { schema: { type: "boolean" } } },
      { num_predict: 3, temperature: 2 },
      { include_usage: true },
    ),
  },
  { weight: 1, arbitrary: fc.jsonValue() },
);

/** Names that every object answers to, whether anybody gave them or not. */
const inherited = fc.constantFrom(...Object.getOwnPropertyNames(Object.prototype));
const something = fc.oneof(
  fc.constantFrom<unknown>(1, null, true, "a", [], {}),
  inherited,
  fc.dictionary(inherited, fc.oneof(inherited, fc.constant(1)), { maxKeys: 2 }),
);

/** Puts a value into the place-th place of a body: instead of what is there, or under a name in it. */
function put(body: unknown, place: number, name: string | null, value: unknown): unknown {
  let left = place;
  return JSON.parse(JSON.stringify(body), (_, here: unknown) => {
    if (left-- !== 0) return here;
    if (name === null || typeof here !== "object" || here === null) return value;
    const member = { value, enumerable: true, configurable: true, writable: true };
    return Object.defineProperty({ ...here }, name, member); // an assignment to __proto__ makes no member
  });
}

const linesOf = (text: string): string[] => {
  expect(text).toMatch(/\n$/);
  return text.slice(0, -1).split("\n");
};

/** What an error looks like to each dialect's clients. */
const ERROR_SHAPES: Record<string, object> = {
  openai: { error: { message: expect.stringMatching(/\.$/), type: expect.any(String), code: expect.any(String) } },
  ollama: { error: expect.stringMatching(/\.$/) },
  minivault: { type: expect.any(String), title: expect.any(String), status: expect.any(Number) },
  operations: { type: expect.any(String), title: expect.any(String), status: expect.any(Number) },
};

function setUp() {
  const load = async (): Promise<LanguageModel> => {
    const fake = createFakeModel({ contextTokens: 40 });
    return Object.assign(fake, { constrain: createConstrainer(fake.vocabulary(), 0) });
  };
  const engine = engineOf({ name: "fake", load });
  const log = createMemoryLog();
  const site = { ...DEFAULT_RULES, rateLimit: { burst: 1e6, perMinute: 1e6 } };
  return { log, handle: createApi({ engine, log, rules: async () => site }) };
}

test.each(POSTS)(
  "$method $path answers any JSON, or refuses it in its own words, and is ready for the next",
  {
    timeout: 60_000,
  },
  async ({ dialect, path, examples = {} }) => {
    const { log, handle } = setUp();
    const schema = { type: "object", properties: { a: { enum: [{}, "a"] } }, required: ["a"], $defs: {} };
    const bases = [
      ...Object.values(examples).map((example) => ({ ...(example as object), model: "fake" })),
      { model: "fake", prompt: "a", messages: [{ role: "user", content: "a" }], format: schema, logit_bias: { 3: 1 } },
      { model: "fake", messages: [{ role: "user", content: [{ type: "text", text: "a" }] }], options: { stop: ["a"] } },
      { prompt: "a", response_format: { type: "json_schema", json_schema: { name: "a", schema } } },
    ];
    const inheriting = fc
      .tuple(fc.constantFrom<unknown>(...bases), fc.nat(24), fc.option(inherited), something)
      .map((parts) => put(...parts));
    const fields = [...new Set(Object.values(examples).flatMap((example) => Object.keys(example as object)))];
    const known = fc.constantFrom(...fields, "stream", "options", "format", "logprobs", "echo", "stop", "keep_alive");
    const nearlyRight = fc
      .tuple(fc.constantFrom(...Object.values(examples)), fc.dictionary(known, value, { maxKeys: 4 }))
      .map(([example, changes]) => ({ ...(example as object), model: "fake", ...changes }));

    await fc.assert(
      fc.asyncProperty(fc.oneof(nearlyRight, nearlyRight, inheriting, inheriting, fc.jsonValue()), async (body) => {
        const request = new Request(`http://x${path}`, { method: "POST", body: JSON.stringify(body) });
        const response = await handle(request);
        const text = await response.text();
        const type = response.headers.get("content-type");
        if (/json/.test(type ?? "")) for (const one of type === NDJSON ? linesOf(text) : [text]) JSON.parse(one);
        if (!response.ok) {
          expect([400, 404, 422, 501]).toContain(response.status);
          expect(JSON.parse(text)).toMatchObject(ERROR_SHAPES[dialect] ?? {});
        }
        const slots = (await (await handle(new Request("http://x/slots"))).json()) as unknown[];
        expect(slots).toMatchObject([{ is_processing: false }]);
        expect(log.records.filter(({ finish_reason }) => finish_reason === null)).toEqual([]);
      }),
      { numRuns: 500, interruptAfterTimeLimit: 40_000, markInterruptAsFailure: true },
    );
    const health = await (await handle(new Request("http://x/health"))).json();
    expect(health).toMatchObject({ queue: { active: 0, waiting: 0 }, log_failures: 0 });
  },
);

test.each(Object.getOwnPropertyNames(Object.prototype))(
  "a path, a query, a header or a field named %s is one like others",
  async (name) => {
    const { handle } = setUp();
    const ask = (path: string, init: RequestInit = {}) => handle(new Request(`http://x${path}`, init));
    const post = (path: string, body: string) => ask(path, { method: "POST", body });
    for (const path of ["/", "/v1/", "/api/", "/logs/", "/v1/models/", "/generate/stream/"]) {
      expect((await ask(path + name)).status, path).toBe(404);
    }
    expect((await ask(`/v1/stream?conv_id=${name}`)).status).toBe(404);
    for (const query of ["/logs?order=", "/logs?finish_reason=", "/logs?from=", "/logs/export?format="]) {
      expect((await ask(query + name)).status, query).toBe(400);
    }
    expect((await ask("/health", { headers: { accept: name, [name]: name } })).status).not.toBe(500);
    const value = JSON.stringify(name);
    for (const schema of [
      `{"type": ${value}}`,
      `{"$ref": ${value}}`,
      `{"$ref": "#/${name}"}`,
      `{"required": ${value}}`,
    ]) {
      expect((await post("/generate", `{"prompt": "a", "format": ${schema}}`)).status, schema).toBe(400);
    }
    const notes = `{"type": "boolean", ${value}: 1, "$defs": {${value}: 1}}`;
    const answer = await post("/generate", `{"prompt": "a", ${value}: 1, "format": ${notes}}`);
    expect([answer.status, (await answer.json()).response]).toEqual([200, expect.stringMatching(/^(true|false)$/)]);
  },
);
