import fc from "fast-check";
import { expect, test } from "vitest";
import { createConstrainer } from "../engine/grammar/constraint.ts";
import type { LanguageModel } from "../engine/model.ts";
import { createMemoryLog } from "../logs-export/memory-log.ts";
import { createFakeModel } from "../tests/fixtures/fake-model.ts";
import { engineOf } from "../tests/fixtures/fixed-sources.ts";
import { createApi } from "./api.ts";
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
    const fields = [...new Set(Object.values(examples).flatMap((example) => Object.keys(example as object)))];
    const known = fc.constantFrom(...fields, "stream", "options", "format", "logprobs", "echo", "stop", "keep_alive");
    const nearlyRight = fc
      .tuple(fc.constantFrom(...Object.values(examples)), fc.dictionary(known, value, { maxKeys: 4 }))
      .map(([example, changes]) => ({ ...(example as object), model: "fake", ...changes }));

    await fc.assert(
      fc.asyncProperty(fc.oneof(nearlyRight, nearlyRight, fc.jsonValue()), async (body) => {
        const request = new Request(`http://x${path}`, { method: "POST", body: JSON.stringify(body) });
        const response = await handle(request);
        const text = await response.text();
        if (!response.ok) {
          expect([400, 404, 422, 501]).toContain(response.status);
          expect(JSON.parse(text)).toMatchObject(ERROR_SHAPES[dialect] ?? {});
        }
        const slots = (await (await handle(new Request("http://x/slots"))).json()) as unknown[];
        expect(slots).toMatchObject([{ is_processing: false }]);
        expect(log.records.filter(({ finish_reason }) => finish_reason === null)).toEqual([]);
      }),
      { numRuns: 300, interruptAfterTimeLimit: 40_000, markInterruptAsFailure: true },
    );
    const health = await (await handle(new Request("http://x/health"))).json();
    expect(health).toMatchObject({ queue: { active: 0, waiting: 0 }, log_failures: 0 });
  },
);
