import { findChromium, QUIET_FLAGS, SOFTWARE_GPU_FLAGS } from "../find-chromium.ts";
import { GREEDY_CASES } from "../fixtures/expected-greedy.ts";
import { startHub } from "../fixtures/hub.ts";
import { test as base, expect, generate, health } from "./harness.ts";

// The adapter is software, 12 tokens a second: small models and patience.
base.setTimeout(240_000);
base.use({ launchOptions: { executablePath: findChromium(), args: [...QUIET_FLAGS, ...SOFTWARE_GPU_FLAGS] } });

base("on WebGPU every reference answer comes token for token", async ({ vault }) => {
  await expect(vault.getByText("minivault-demo · GPU")).toBeVisible({ timeout: 60_000 });
  expect(await health(vault)).toMatchObject({ device: "webgpu", fallback: null });
  for (const { prompt, text, ids } of GREEDY_CASES) {
    const answer = await generate(vault, { prompt, max_new_tokens: 64, temperature: 0 });
    expect(answer.response).toBe(text);
    expect(answer.usage.completion_tokens).toBe(ids.length);
  }
});

const withHub = base.extend<{ hub: Awaited<ReturnType<typeof startHub>> }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures that are needed from this pattern
  hub: async ({}, use) => {
    const hub = await startHub();
    await use(hub);
    await hub.close();
  },
  env: async ({ hub }, use) =>
    use({ MINIVAULT_HUB: hub.url, MINIVAULT_MODEL: "distilgpt2", MINIVAULT_DEVICE: "webgpu" }),
});

withHub("a merged decoder from the hub runs on WebGPU", async ({ vault, hub }) => {
  await expect(vault.getByText("distilgpt2 · GPU")).toBeVisible({ timeout: 60_000 });
  const answer = await generate(vault, { prompt: "Once upon a time", max_new_tokens: 12, temperature: 0 });
  expect(answer.usage.completion_tokens).toBe(12);
  // The adapter has no half precision.
  expect(hub.requests).toContain("/Xenova/distilgpt2/resolve/main/onnx/decoder_model_merged.onnx");
});
