import type { Page, Worker } from "playwright/test";
import { findChromium, QUIET_FLAGS, SOFTWARE_GPU_FLAGS } from "../find-chromium.ts";
import { ENDLESS } from "../fixtures/endless.ts";
import { GREEDY_CASES, MERGED_CASE } from "../fixtures/expected-greedy.ts";
import { beginStream, DEAD_HUB, expect, generate, health, saidIn, streamEnd, streamHas, visit } from "./harness.ts";
import { test } from "./hub-harness.ts";

/** The device that the engine computes on, whichever worker has it at the moment. */
function watchGpu(page: Page) {
  let engine: Worker | undefined;
  page.on("worker", async (worker) => {
    if (!/worker-[^/]*\.js$/.test(worker.url()) || worker.url().includes("library")) return;
    engine = worker;
    await worker.evaluate(() => {
      const adapter = (globalThis as unknown as GpuRealm).GPUAdapter.prototype;
      const { requestDevice } = adapter;
      adapter.requestDevice = async function (...args) {
        const device = await requestDevice.apply(this, args);
        (globalThis as unknown as GpuRealm).device = device;
        return device;
      };
    });
  });
  return { destroy: () => engine?.evaluate(() => (globalThis as unknown as GpuRealm).device.destroy()) };
}

interface GpuRealm {
  device: { destroy(): void };
  readonly GPUAdapter: { readonly prototype: { requestDevice(...args: unknown[]): Promise<GpuRealm["device"]> } };
}

/** The text of a stream during which the GPU is lost, after the fifth token. */
async function streamAcross(page: Page, name: string, body: object, gpu: ReturnType<typeof watchGpu>): Promise<string> {
  await beginStream(page, name, body);
  await streamHas(page, name, 5);
  await gpu.destroy();
  const { text, end } = await streamEnd(page, name);
  expect(end).toBe("closed");
  return saidIn(text);
}

// The adapter is software, 12 tokens a second: small models and patience.
test.setTimeout(900_000);
const START_MS = 240_000;
test.use({ launchOptions: { executablePath: findChromium(), args: [...QUIET_FLAGS, ...SOFTWARE_GPU_FLAGS] } });

test.describe("embedded", () => {
  test.use({ env: { MINIVAULT_HUB: DEAD_HUB, MINIVAULT_MODEL: "minivault-demo" } });

  test("on WebGPU, also offline, every reference answer comes token for token", async ({ vault, site }) => {
    await expect(vault.getByText("minivault-demo · GPU")).toBeVisible({ timeout: START_MS });
    expect(await health(vault)).toMatchObject({ device: "webgpu", fallback: null });

    // The runtime for the GPU is not precached but kept by its first use: the rest happens without a network.
    const kept = () => vault.evaluate(async () => (await (await caches.open("minivault-runtime")).keys()).length);
    await expect.poll(kept).toBe(1);
    await site.close();
    await visit(vault, site.url);
    await expect(vault.getByText("minivault-demo · GPU")).toBeVisible({ timeout: START_MS });
    for (const { prompt, text, ids } of GREEDY_CASES) {
      const answer = await generate(vault, { prompt, max_new_tokens: 64, temperature: 0 });
      expect(answer.response).toBe(text);
      expect(answer.usage.completion_tokens).toBe(ids.length);
    }
  });
});

test.describe("when the GPU is lost", () => {
  test.use({ env: { MINIVAULT_HUB: DEAD_HUB, MINIVAULT_MODEL: "minivault-demo" } });

  test("an answer under way goes on as it would have, on a new device and then on the CPU", async ({ page, site }) => {
    const gpu = watchGpu(page);
    await visit(page, site.url);
    await expect(page.getByText("minivault-demo · GPU")).toBeVisible({ timeout: START_MS });
    const sampled = { prompt: "Once upon a time", max_new_tokens: 40, temperature: 0.9, seed: 11 };
    const undisturbed = (await generate(page, sampled)).response;

    expect(await streamAcross(page, "first", sampled, gpu)).toBe(undisturbed);
    await expect.poll(() => health(page)).toMatchObject({ device: "webgpu", fallback: null });

    const greedy = GREEDY_CASES.toSorted((a, b) => b.ids.length - a.ids.length)[0]!;
    const longest = { prompt: greedy.prompt, max_new_tokens: 64, temperature: 0 };
    expect(await streamAcross(page, "second", longest, gpu)).toBe(greedy.text);
    await expect
      .poll(() => health(page))
      .toMatchObject({
        device: "wasm",
        fallback: { wanted: "webgpu", reason: /lost or did not answer more than once/ },
      });
    await expect(page.getByText(/WebGPU was lost or did not answer more than once/)).toBeVisible();
  });
});

test.describe("where the GPU computes nonsense", () => {
  test.use({ env: { MINIVAULT_HUB: DEAD_HUB, MINIVAULT_MODEL: "minivault-demo" } });

  test("the self-check finds out, and the CPU computes", async ({ page, site }) => {
    page.on("worker", (worker) =>
      worker.evaluate(() => {
        const { GPUQueue } = globalThis as unknown as { GPUQueue: { prototype: { submit(): void } } };
        GPUQueue.prototype.submit = () => {}; // nothing is computed, and everything reads as zero
      }),
    );
    await visit(page, site.url);
    await expect(page.getByText(/WebGPU failed on fp32 .*, so the CPU computes/)).toBeVisible({ timeout: START_MS });
    const { prompt, text } = GREEDY_CASES[0]!;
    expect((await generate(page, { prompt, max_new_tokens: 64, temperature: 0 })).response).toBe(text);
    expect(await health(page)).toMatchObject({ device: "wasm", self_check: { deviation: expect.any(Number) } });
  });
});

test.describe("from the hub", () => {
  test.use({ hubModel: "distilgpt2", device: "webgpu" });

  test("a merged decoder runs on WebGPU", async ({ vault, hub }) => {
    await expect(vault.getByText("distilgpt2 · GPU")).toBeVisible({ timeout: START_MS });
    const answer = await generate(vault, {
      prompt: MERGED_CASE.prompt,
      max_new_tokens: MERGED_CASE.ids.length,
      temperature: 0,
    });
    expect(answer.response).toBe(MERGED_CASE.text);
    // The adapter has no half precision.
    expect(hub.requests).toContain("/Xenova/distilgpt2/resolve/main/onnx/decoder_model_merged.onnx");
  });

  test("a model that makes room for another one is no lost GPU", async ({ vault }) => {
    const short = { prompt: MERGED_CASE.prompt, max_new_tokens: 2, temperature: 0 };
    for (const model of ["minivault-demo", "distilgpt2", "minivault-demo", "distilgpt2"]) {
      expect(await generate(vault, { ...short, model })).toMatchObject({ status: 200, model });
      expect(await health(vault)).toMatchObject({ model, device: "webgpu", fallback: null, loaded: [model] });
    }
  });
});

test.describe("two models in memory", () => {
  test.use({ hubModel: "minivault-demo", device: "webgpu", residents: 2 });

  test("one is loaded again and again while the other answers, and neither disturbs the other", async ({ vault }) => {
    const long = { prompt: "Once upon a time", max_new_tokens: 120, temperature: 0.9, seed: 11, ...ENDLESS };
    const undisturbed = await generate(vault, long);
    const other = { model: "distilgpt2", prompt: MERGED_CASE.prompt, max_new_tokens: 2, temperature: 0 };
    expect(await generate(vault, other)).toMatchObject({ status: 200 });

    await beginStream(vault, "long", long);
    await streamHas(vault, "long", 5);
    for (let turn = 0; turn < 3; turn++) {
      expect(await keep(vault, "distilgpt2", 0)).toBe(200);
      expect(await keep(vault, "distilgpt2", 300)).toBe(200);
      expect(await health(vault)).toMatchObject({ model: "distilgpt2", device: "webgpu", fallback: null });
    }
    const { text, end } = await streamEnd(vault, "long");
    expect(end).toBe("closed");
    expect(saidIn(text)).toBe(undisturbed.response);
  });
});

/** For so many seconds: loads a model, or unloads it at once. */
const keep = (page: Page, model: string, keep_alive: number) =>
  page.evaluate(async (body) => (await fetch("/api/generate", { method: "POST", body: JSON.stringify(body) })).status, {
    model,
    keep_alive,
  });
