import { GREEDY_CASES } from "../fixtures/expected-greedy.ts";
import { DEAD_HUB, expect, generate, health, test, visit } from "./harness.ts";

test("on the CPU, with threads, every reference answer comes token for token", async ({ vault }) => {
  await expect(vault.getByText("minivault-demo · CPU")).toBeVisible();
  expect(await health(vault)).toMatchObject({ status: "ok", device: "wasm", fallback: null });
  expect((await health(vault)).threads).toBeGreaterThan(1);
  for (const { prompt, text, ids, finish_reason } of GREEDY_CASES) {
    const answer = await generate(vault, { prompt, max_new_tokens: 64, temperature: 0 });
    expect(answer.response).toBe(text);
    expect(answer.usage.completion_tokens).toBe(ids.length);
    expect(answer.finish_reason).toBe(finish_reason);
  }
});

test.describe("where WebGPU is asked for and not there", () => {
  test.use({ env: { MINIVAULT_HUB: DEAD_HUB, MINIVAULT_MODEL: "minivault-demo", MINIVAULT_DEVICE: "webgpu" } });

  test("the CPU computes, and the page says why", async ({ vault }) => {
    await expect(
      vault.getByText("This browser offers no WebGPU adapter, so the CPU computes.", { exact: true }),
    ).toBeVisible();
    expect((await health(vault)).fallback.wanted).toBe("webgpu");
    expect((await generate(vault, { prompt: "Q: What is the capital of France?\nA:" })).response).toBe(" Paris.");
  });
});

test("where the runtime cannot start its threads, the engine begins anew without them", async ({ page, site }) => {
  page.on("worker", (worker) => {
    if (!/\/worker-[^/]*\.js$/.test(worker.url())) return;
    const block = () => {
      const Real = globalThis.Worker;
      globalThis.Worker = class extends Real {
        constructor(url: string | URL, options?: WorkerOptions) {
          if (String(url).includes("ort")) throw new Error("threads are blocked here");
          super(url, options);
        }
      };
    };
    worker.evaluate(block).catch(() => {}); // the one that is blocked does not live long
  });
  await visit(page, site.url);
  expect((await generate(page, { prompt: "Q: What is the capital of France?\nA:" })).response).toBe(" Paris.");
  expect(await health(page)).toMatchObject({ device: "wasm", threads: 1 });
});
