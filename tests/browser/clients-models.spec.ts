import type { Clients } from "../clients/in-page.ts";
import { expect } from "./harness.ts";
import { test } from "./hub-harness.ts";

/** Runs in the page. */
declare const clients: Clients;

test.use({ clientsServed: true, hubModel: "minivault-demo" });

const ONNX = "/Xenova/gpt2/resolve/main/onnx/decoder_model_merged_quantized.onnx";
const HALF = 400_000;

test("Ollama's client pulls a model, pauses by an abort, goes on, asks it, lists and deletes it", async ({
  vault,
  hub,
}) => {
  await vault.addScriptTag({ url: "clients.js" });
  const names = async () => (await vault.evaluate(() => clients.ollama.list())).models.map(({ name }) => name);
  const status = async () =>
    (await vault.evaluate(() => clients.openai.models())).listed.find(({ id }) => id === "gpt2");
  expect(await names()).toEqual(["minivault-demo:latest"]);
  expect(await status()).toMatchObject({ status: { value: "remote" } });

  hub.faults = [{ bytesPerSecond: 100_000 }];
  expect(await vault.evaluate((half) => clients.ollama.pullUntil("gpt2", half), HALF)).toBe("AbortError");
  await expect.poll(status).toMatchObject({ status: { value: "paused" } });
  expect(await names()).toEqual(["minivault-demo:latest"]);

  hub.faults = [];
  const steps = await vault.evaluate(() => clients.ollama.pull("gpt2"));
  expect(steps.at(-1)).toEqual({ status: "success" });
  const whole = hub.files.get("onnx/decoder_model_merged_quantized.onnx")?.length ?? 0;
  expect(hub.log.filter(({ path, method, range }) => path === ONNX && method === "GET" && range)).toHaveLength(1);
  expect(hub.sentBytes.get(ONNX)).toBeLessThan(1.6 * whole); // what the browser had not handed over comes again
  expect(await names()).toEqual(expect.arrayContaining(["gpt2:latest", "minivault-demo:latest"]));
  expect(await status()).toMatchObject({ status: { value: "unloaded" } });

  expect((await vault.evaluate(() => clients.ollama.ask("gpt2", "a"))).eval_count).toBe(4);
  const { models } = await vault.evaluate(() => clients.ollama.ps());
  expect(models).toMatchObject([{ name: "gpt2:latest", details: { family: "gpt2", quantization_level: "Q8" } }]);
  expect(await status()).toMatchObject({ status: { value: "loaded" } });

  await vault.evaluate(() => clients.ollama.remove("gpt2:latest"));
  expect(await names()).toEqual(["minivault-demo:latest"]);
  expect(await status()).toMatchObject({ status: { value: "remote" } });
});

test("what cannot be pulled or deleted is an error of Ollama's client", async ({ vault }) => {
  await vault.addScriptTag({ url: "clients.js" });
  const errors = await vault.evaluate(async () => [
    await clients.ollama.unknownModelToPull(),
    await clients.ollama.removeOfTheEmbedded(),
  ]);
  expect(errors).toMatchObject([
    { name: "ResponseError", status_code: 404, message: expect.stringContaining("There is: ") },
    { name: "ResponseError", status_code: 400, message: expect.stringContaining("comes with the app") },
  ]);
});
