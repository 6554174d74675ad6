import { serveSite } from "../../cli/site-server.ts";
import { startHub } from "../fixtures/hub.ts";
import { DEAD_HUB, expect, generate, health, visit } from "./harness.ts";
import { test } from "./hub-harness.ts";
import { DIST } from "./site-folders.ts";
import { startProxy } from "./site-proxy.ts";

test("a hub that redirects to a host which the policy does not allow: the error names the policy, and what to add", async ({
  vault,
  hub,
}) => {
  const cdn = await startHub();
  hub.faults = [{ on: /\/resolve\//, times: Number.POSITIVE_INFINITY, redirectTo: cdn.url }];
  const { code, detail } = await generate(vault, { prompt: "a", model: "owner/elsewhere" });
  expect({ code, detail }).toMatchObject({
    code: "model-unavailable",
    detail: expect.stringContaining(`content security policy does not allow ${hub.url}, or the host that it redirects`),
  });
  expect(detail).toContain("MINIVAULT_HUB");
  expect(cdn.requests).toEqual([]);
  await cdn.close();
});

test("a hub may redirect downloads to the hosts that are named after it", async ({ page, hub, env }) => {
  const cdn = await startHub();
  hub.faults = [{ on: /\/resolve\//, times: Number.POSITIVE_INFINITY, redirectTo: cdn.url }];
  const site = await serveSite({ folder: DIST, port: 0, env: { ...env, MINIVAULT_HUB: `${hub.url},${cdn.url}` } });
  await visit(page, site.url);
  await expect.poll(() => health(page)).toMatchObject({ status: "ok", model: "distilgpt2", fallback: null });
  expect(cdn.requests.some((path) => path.endsWith(".onnx"))).toBe(true);
  await site.close();
  await cdn.close();
});

test("a hub that the policy itself does not allow is told as that, not as one that cannot be reached", async ({
  page,
  hub,
  env,
}) => {
  const site = await serveSite({ folder: DIST, port: 0, env: { ...env, MINIVAULT_HUB: DEAD_HUB } });
  // As on a static host whose headers were left as they are.
  const config = JSON.stringify({ hub: hub.url });
  const proxy = await startProxy(site.url, {
    answers: { "/minivault.config.json": (response) => response.end(config) },
  });
  await visit(page, `http://localhost:${proxy.port}/`);
  await expect(page.getByText(`policy does not allow ${hub.url}`)).toBeVisible();
  expect(hub.requests).toEqual([]);
  await proxy.close();
  await site.close();
});

test.describe("weights that are slow on this device", () => {
  test("are used where the site asks for them, and the page and /health say that they are slow", async ({
    page,
    hub,
    env,
  }) => {
    hub.files.set("onnx/decoder_model_merged_q4.onnx", hub.files.get("onnx/decoder_model_merged.onnx")!);
    const more = { MINIVAULT_DEVICE: "wasm", MINIVAULT_DTYPE: "q4" };
    const site = await serveSite({ folder: DIST, port: 0, env: { ...env, ...more } });
    await visit(page, site.url);
    await expect(page.getByText("q4 is slow on the CPU: q8 or fp32 is faster.")).toBeVisible();
    expect(await health(page)).toMatchObject({
      model: "distilgpt2",
      fallback: null,
      caution: expect.stringMatching(/^q4 is slow/),
    });
    expect(hub.requests.filter((path) => path.endsWith(".onnx"))).toEqual([expect.stringMatching(/_q4\.onnx$/)]);
    await site.close();
  });

  test("and that the model does not have are not silently others", async ({ page, env }) => {
    const more = { MINIVAULT_DEVICE: "wasm", MINIVAULT_DTYPE: "bnb4" };
    const site = await serveSite({ folder: DIST, port: 0, env: { ...env, ...more } });
    await visit(page, site.url);
    await expect(page.getByText("distilgpt2 has no weights as bnb4, so the CPU computes on q8.")).toBeVisible();
    await site.close();
  });
});
