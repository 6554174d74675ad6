import { afterEach, expect, test } from "vitest";
import { createFakeModel } from "../tests/fixtures/fake-model.ts";
import { engineOf } from "../tests/fixtures/fixed-sources.ts";
import { createEngineLink, type EngineLink, type Leases } from "./engine-link.ts";
import { VaultError } from "./errors.ts";
import { newRequest } from "./generate-request.ts";
import { serveEngine } from "./port-server.ts";
import { type Engine, type Port, PROTOCOL_VERSION, type TokenEvent } from "./protocol.ts";
import { randomId } from "./random-id.ts";
import { holdLock } from "./web-lock.ts";

const SHORT: Leases = { linkMs: 1_200, statusMs: 300, promptMs: 200, tokenMs: 200 };
const request = newRequest({ type: "text", text: "a" }, { maxNewTokens: 20 });

const ports: MessagePort[] = [];
afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

/** An engine that hangs from a forward pass on: nothing more is computed, and nothing is answered. */
function hangingFrom(step: number): { engine: Engine; hangs: () => boolean } {
  let steps = 0;
  const forEver = () => new Promise<never>(() => {});
  const model = createFakeModel({ beforeStep: () => (++steps >= step ? forEver() : Promise.resolve()) });
  const local = engineOf({ name: "fake", load: async () => model });
  const hangs = () => steps >= step;
  return { engine: { ...local, status: () => (hangs() ? forEver() : local.status()) }, hangs };
}
const healthy = () => hangingFrom(Number.POSITIVE_INFINITY).engine;

/** The page's part: gives the next of these engines, which hold their locks as workers do, to whoever asks. */
function linkTo(engines: Engine[], { version = PROTOCOL_VERSION, leases = SHORT } = {}) {
  const locks: string[] = [];
  /** Numbers of engines, counted from 1. */
  const stuck: number[] = [];
  let given = 0;
  const link: EngineLink = createEngineLink({
    leases,
    reportStuck: (lock) => void stuck.push(locks.indexOf(lock) + 1),
    askForPort: async () => {
      const engine = engines[locks.length];
      if (!engine) return;
      const lock = randomId();
      locks.push(lock);
      const { port1, port2 } = new MessageChannel();
      ports.push(port1, port2);
      serveEngine(engine, port1 as Port);
      await holdLock(lock);
      link.offer(port2 as Port, version, lock);
      given++;
    },
  });
  return { link, stuck, given: () => given };
}

async function textOf(reader: ReadableStreamDefaultReader<TokenEvent>): Promise<string> {
  let text = "";
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    if (next.value.type === "token" || next.value.type === "done") text += next.value.text;
  }
  return text;
}

const WHOLE = "bcdefghijklmnopqrstu";

test("an engine that hangs in the middle of an answer is reported, and the next one goes on with it", async () => {
  const { link, stuck, given } = linkTo([hangingFrom(8).engine, healthy()]);
  expect(await textOf(link.generate(request).getReader())).toBe(WHOLE);
  expect(stuck).toEqual([1]);
  expect(given()).toBe(2);
});

test("an engine that hangs while it reads the prompt: the same", async () => {
  const { link, stuck } = linkTo([hangingFrom(1).engine, healthy()]);
  expect(await textOf(link.generate(request).getReader())).toBe(WHOLE);
  expect(stuck).toEqual([1]);
});

test("engines that all hang end the answer with a sentence", async () => {
  const { link, stuck } = linkTo(Array.from({ length: 9 }, () => hangingFrom(1).engine));
  await expect(textOf(link.generate(request).getReader())).rejects.toMatchObject({ code: "engine-stuck" });
  expect(stuck).toHaveLength(6);
});

test("a question outlives several engines that are lost while it is asked", async () => {
  const silent = () => ({ ...healthy(), admit: () => new Promise<never>(() => {}) });
  const { link, given } = linkTo([silent(), silent(), silent(), silent(), healthy()]);
  const asked = link.admit(request);
  for (let lost = 1; lost < 5; lost++) {
    while (given() < lost) await new Promise((resolve) => setImmediate(resolve));
    link.lost();
  }
  await asked;
  expect(given()).toBe(5);
});

test("a slow load is no hang: who loads says so", async () => {
  let loaded = () => {};
  const loading = new Promise<void>((resolve) => {
    loaded = resolve;
  });
  const load = async () => {
    await loading;
    return createFakeModel();
  };
  const loader = engineOf({ name: "fake", load });
  const { link, stuck } = linkTo([loader], { leases: { ...SHORT, statusMs: 10_000 } }); // it does answer, if not at once
  const text = textOf(link.generate(request).getReader());
  while ((await link.status()).state !== "loading");
  for (let asked = 0; asked < 6; asked++) {
    expect((await link.status()).state).toBe("loading");
    await new Promise((resolve) => setTimeout(resolve, SHORT.promptMs / 2)); // longer than the lease, all in all
  }
  loaded();
  expect(await text).toBe(WHOLE);
  expect(stuck).toEqual([]);
});

test("health says what it knew of an engine that computes, and knows soon where there is none", async () => {
  const { engine, hangs } = hangingFrom(3);
  const { link } = linkTo([engine]);
  await link.admit(request);
  expect((await link.status()).state).toBe("ready");
  const reader = link.generate({ ...request, maxNewTokens: 9 }).getReader();
  void textOf(reader).catch(() => {}); // the last read waits for an engine that hangs
  while (!hangs()) await new Promise((resolve) => setImmediate(resolve));
  expect((await link.status()).state).toBe("ready");
  await reader.cancel();
  expect((await linkTo([]).link.status()).state).toBe("absent");
});

test("where no page answers, a page refuses, or it is of another version, the request says so", async () => {
  await expect(linkTo([]).link.admit(request)).rejects.toMatchObject({ code: "engine-absent" });
  await expect(linkTo([healthy()], { version: PROTOCOL_VERSION + 1 }).link.admit(request)).rejects.toMatchObject({
    code: "version-mismatch",
  });
  const { link } = linkTo([]);
  const asked = link.admit(request);
  link.refuse(new VaultError("engine-failed", "The worker does not start."));
  await expect(asked).rejects.toMatchObject({ code: "engine-failed" });
});
