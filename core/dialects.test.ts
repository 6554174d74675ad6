import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createMemoryLog } from "../logs-export/memory-log.ts";
import { echo } from "../tests/fixtures/echo-dialect.ts";
import { createFakeModel } from "../tests/fixtures/fake-model.ts";
import { engineOf } from "../tests/fixtures/fixed-sources.ts";
import { createApi } from "./api.ts";
import { openApiDocument } from "./openapi.ts";
import { DIALECTS } from "./routing.ts";

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");

function setUp() {
  const engine = engineOf({ name: "fake", load: async () => createFakeModel() });
  const log = createMemoryLog();
  const handle = createApi({ engine, log, dialects: [...DIALECTS, echo] });
  const say = (path: string, body: unknown) =>
    handle(new Request(`http://x${path}`, { method: "POST", body: JSON.stringify(body) }));
  return { log, handle, say };
}

test("the dialect of docs/DIALECTS.md is the one that is tried here", () => {
  const [, code = ""] = /```ts\n(import[\s\S]*?)```/.exec(read("../docs/DIALECTS.md")) ?? [];
  expect(code.replaceAll('from "../', 'from "../../core/')).toBe(read("../tests/fixtures/echo-dialect.ts"));
});

test("a new dialect answers, refuses in its own words, is logged, counted and documented", async () => {
  const { log, handle, say } = setUp();
  expect(await (await say("/echo/v1/say", { say: "a" })).json()).toEqual({ said: "bcdefghijklmnopq", tokens: 16 });
  const wrong = await say("/echo/v1/say", { say: 3 });
  expect([wrong.status, await wrong.json()]).toEqual([400, { trouble: expect.stringMatching(/^say must be a text/) }]);
  expect(await (await say("/echo/nothing", {})).json()).toEqual({ trouble: expect.stringContaining("/echo/nothing") });
  expect(log.records.map(({ dialect }) => dialect)).toEqual(["echo", "echo", null]);
  const metrics = await (await handle(new Request("http://x/metrics"))).text();
  expect(metrics).toContain('minivault_requests_total{dialect="echo",outcome="length"} 1');
  const { paths } = openApiDocument([...DIALECTS, echo], "/");
  expect(paths["/echo/v1/say"]?.["post"]).toMatchObject({ summary: "Goes on from what was said" });
});
