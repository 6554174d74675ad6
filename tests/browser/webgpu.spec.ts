import { findChromium, QUIET_FLAGS, SOFTWARE_GPU_FLAGS } from "../find-chromium.ts";
import { GREEDY_CASES, MERGED_CASE } from "../fixtures/expected-greedy.ts";
import { DEAD_HUB, expect, generate, health, visit } from "./harness.ts";
import { test } from "./hub-harness.ts";

// The adapter is software, 12 tokens a second: small models and patience.
test.setTimeout(240_000);
test.use({ launchOptions: { executablePath: findChromium(), args: [...QUIET_FLAGS, ...SOFTWARE_GPU_FLAGS] } });

test.describe("embedded", () => {
  test.use({ env: { MINIVAULT_HUB: DEAD_HUB, MINIVAULT_MODEL: "minivault-demo" } });

  test("on WebGPU, also offline, every reference answer comes token for token", async ({ vault, site }) => {
    await expect(vault.getByText("minivault-demo · GPU")).toBeVisible({ timeout: 60_000 });
    expect(await health(vault)).toMatchObject({ device: "webgpu", fallback: null });

    // The runtime for the GPU is not precached but kept by its first use: the rest happens without a network.
    const kept = () => vault.evaluate(async () => (await (await caches.open("minivault-runtime")).keys()).length);
    await expect.poll(kept).toBe(1);
    await site.close();
    await visit(vault, site.url);
    await expect(vault.getByText("minivault-demo · GPU")).toBeVisible({ timeout: 60_000 });
    for (const { prompt, text, ids } of GREEDY_CASES) {
      const answer = await generate(vault, { prompt, max_new_tokens: 64, temperature: 0 });
      expect(answer.response).toBe(text);
      expect(answer.usage.completion_tokens).toBe(ids.length);
    }
  });
});

test.describe("from the hub", () => {
  test.use({ hubModel: "distilgpt2", device: "webgpu" });

  test("a merged decoder runs on WebGPU", async ({ vault, hub }) => {
    await expect(vault.getByText("distilgpt2 · GPU")).toBeVisible({ timeout: 60_000 });
    const answer = await generate(vault, {
      prompt: MERGED_CASE.prompt,
      max_new_tokens: MERGED_CASE.ids.length,
      temperature: 0,
    });
    expect(answer.response).toBe(MERGED_CASE.text);
    // The adapter has no half precision.
    expect(hub.requests).toContain("/Xenova/distilgpt2/resolve/main/onnx/decoder_model_merged.onnx");
  });
});
