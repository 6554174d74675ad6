import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright";
import { serveSite } from "../cli/site-server.ts";
import { STATUS_CHANNEL } from "../core/protocol.ts";
import { DIST } from "../tests/browser/site-folders.ts";
import { findPython } from "../tests/find-python.ts";
import { startHub } from "../tests/fixtures/hub.ts";
import { withProfile } from "./profile.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** Of distilgpt2's shape, with random weights: the runtime has as much to do as with the real ones. */
const RANDOM = join(ROOT, ".cache/distilgpt2-random");
/** The catalogue knows the hashes of the real files, which these do not have: the hub's tree tells. */
const STAND_INS = JSON.stringify([{ name: "distilgpt2", repo: "Xenova/distilgpt2", revision: "main" }]);
const ROUNDS = 5;

/** A second visit; all in milliseconds. */
interface Visit {
  /** From the navigation until the model is ready. */
  readonly readyMs: number;
  /** Of that: its weights read, verified and given to the runtime, and the self-check. */
  readonly loadMs: number;
  /** Of that. */
  readonly selfCheckMs: number;
}

/** Makes the random model, which takes half a minute, once. */
function randomFiles(): Map<string, Buffer> {
  const weights = join(RANDOM, "onnx/model_quantized.onnx"); // written last
  if (!existsSync(weights)) {
    mkdirSync(RANDOM, { recursive: true });
    const script = join(ROOT, "tools/demo-model/export.py");
    const { status } = spawnSync(findPython(), [script, RANDOM, "--random", "distilgpt2"], { stdio: "inherit" });
    if (status !== 0) throw new Error(`${script} failed.`);
  }
  const names = {
    "config.json": "config.json",
    "generation_config.json": "generation_config.json",
    "tokenizer.json": "tokenizer.json",
    "tokenizer_config.json": "tokenizer_config.json",
    "onnx/decoder_model_merged.onnx": "onnx/model.onnx",
    "onnx/decoder_model_merged_quantized.onnx": "onnx/model_quantized.onnx",
  };
  return new Map(Object.entries(names).map(([name, path]) => [name, readFileSync(join(RANDOM, path))]));
}

/** Waits for the model, then says how it came. The page has been told to note when that was. */
const visited = (page: Page, model: string): Promise<Visit> =>
  page.evaluate(async (model) => {
    const { ready } = globalThis as unknown as { ready: Promise<number> };
    const readyMs = await ready;
    const health = await (await fetch("/health")).json();
    if (health.model !== model) throw new Error(`${health.model} came instead of ${model}: ${health.fallback?.reason}`);
    return { readyMs, loadMs: health.load_ms, selfCheckMs: health.self_check.duration_ms };
  }, model);

async function secondVisits(model: string, env: Record<string, string>): Promise<Visit[]> {
  const site = await serveSite({ folder: DIST, port: 0, env: { ...env, MINIVAULT_MODEL: model } });
  const visits = await withProfile(async (context) => {
    const page = await context.newPage();
    await page.addInitScript((channel) => {
      const ready = new Promise((resolve) => {
        new BroadcastChannel(channel).addEventListener("message", ({ data }) => {
          if (data.status?.state === "ready") resolve(performance.now());
        });
      });
      Object.assign(globalThis, { ready });
    }, STATUS_CHANNEL);
    await page.goto(site.url);
    await visited(page, model);
    await page.evaluate(() => navigator.serviceWorker.ready); // all that is kept is kept
    const visits: Visit[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await page.reload({ waitUntil: "commit" });
      visits.push(await visited(page, model));
    }
    return visits;
  });
  await site.close();
  return visits;
}

/** By figure and model: second visits, with everything in this browser already. */
export async function measureLoads() {
  const hub = await startHub(0, randomFiles());
  const env = { MINIVAULT_HUB: hub.url, MINIVAULT_MODELS: STAND_INS, MINIVAULT_DEVICE: "wasm" };
  const visits = {
    embedded: await secondVisits("minivault-demo", env),
    distilgpt2_q8: await secondVisits("distilgpt2", env),
    distilgpt2_fp32: await secondVisits("distilgpt2", { ...env, MINIVAULT_DTYPE: '{"wasm":"fp32"}' }),
  };
  await hub.close();
  const ofAll = (part: keyof Visit) =>
    Object.fromEntries(Object.entries(visits).map(([model, all]) => [model, all.map((visit) => visit[part])]));
  return { model_load_ms: ofAll("readyMs"), model_start_ms: ofAll("loadMs"), self_check_ms: ofAll("selfCheckMs") };
}
