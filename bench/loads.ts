import type { Page } from "playwright";
import { serveSite } from "../cli/site-server.ts";
import { STATUS_CHANNEL } from "../core/protocol.ts";
import { DIST } from "../tests/browser/site-folders.ts";
import { withProfile } from "./profile.ts";
import { startRandomHub } from "./random-model.ts";

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
  const { hub, env: hubEnv } = await startRandomHub();
  const env = { ...hubEnv, MINIVAULT_DEVICE: "wasm" };
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
