import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createMemoryLog } from "../logs-export/memory-log.ts";
import { createFakeModel } from "../tests/fixtures/fake-model.ts";
import { engineOf } from "../tests/fixtures/fixed-sources.ts";
import { START } from "../tests/fixtures/start-event.ts";
import { createApi } from "./api.ts";
import { VaultError } from "./errors.ts";
import type { Engine, TokenEvent } from "./protocol.ts";

beforeEach(() => {
  const toFake = ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance", "Date"] as const;
  vi.useFakeTimers({ toFake: [...toFake] });
});
afterEach(() => void vi.useRealTimers());

/** What the engine does with a request, and what its client does. */
const plan = fc.record({
  streams: fc.boolean(),
  accept: fc.constantFrom("text/event-stream", "application/x-ndjson", "text/plain"),
  refused: fc.boolean(),
  tokens: fc.nat(4),
  ending: fc.constantFrom("done", "done, and no end", "no done", "error", "silence"),
  /** Chunks that it reads, and how many steps of anybody pass before it leaves. */
  reads: fc.nat(8),
  leavesAfter: fc.option(fc.nat(40)),
});
type Plan = typeof plan extends fc.Arbitrary<infer T> ? T : never;

const token = (index: number): TokenEvent => ({ type: "token", index, tokenId: index, text: "a", score: null });

/** Sends them all at once; what waits for a step goes on in the order that `picks` says. */
async function runAll(plans: readonly Plan[], picks: readonly number[]) {
  const waiting: Array<() => void> = [];
  const step = () => new Promise<void>((resolve) => waiting.push(resolve));
  const tick = () => new Promise<void>((resolve) => setImmediate(resolve));
  const openSources = new Set<object>();
  const planOf = ({ prompt }: Parameters<Engine["generate"]>[0]) =>
    plans[prompt.type === "text" ? Number(prompt.text) : 0]!;
  const engine: Engine = {
    ...engineOf({ name: "fake", load: async () => createFakeModel() }),
    async admit(request) {
      await step();
      if (planOf(request).refused) throw new VaultError("prompt-too-long", "No.");
    },
    generate(request) {
      const { tokens, ending } = planOf(request);
      const left: TokenEvent[] = [START, ...Array.from({ length: tokens }, (_, index) => token(index))];
      if (ending.startsWith("done"))
        left.push({ type: "done", text: "", finishReason: "stop", newTokens: tokens, decodeMs: 1 });
      const source = {};
      openSources.add(source);
      return new ReadableStream<TokenEvent>(
        {
          async pull(controller) {
            await step();
            const event = left.shift();
            if (event) return controller.enqueue(event);
            if (ending === "silence" || ending === "done, and no end") return new Promise(() => {});
            openSources.delete(source);
            if (ending === "error") throw new Error("It broke.");
            controller.close();
          },
          cancel: () => void openSources.delete(source),
        },
        { highWaterMark: 0 },
      );
    },
  };
  const log = createMemoryLog();
  let busy = 0;
  const handle = createApi({ engine, log, onBusy: (answers) => (busy = answers) });

  const ask = async ({ streams, accept, reads, leavesAfter }: Plan, index: number): Promise<void> => {
    await step();
    const path = streams ? "/generate/stream" : "/generate";
    const body = JSON.stringify({ prompt: `${index}`, max_new_tokens: 9 });
    const response = await handle(new Request(`http://x${path}`, { method: "POST", headers: { accept }, body }));
    const reader = response.body!.getReader();
    const leaving = async () => {
      for (let steps = 0; steps < leavesAfter!; steps++) await step();
      await reader.cancel();
    };
    if (leavesAfter !== null) void leaving().catch(() => {});
    for (let count = 0; count < reads; count++) {
      await step();
      if ((await reader.read().catch(() => ({ done: true }))).done) return;
    }
  };
  void Promise.all(plans.map(ask));
  // Leases end what nobody else does: a body that is not read, one JSON whose engine is silent. A stream may be as silent
  // as it likes while somebody reads, so such a reader leaves.
  for (let idle = 0, count = 0; idle < 12; count++) {
    await tick();
    const next = waiting.splice((picks[count % picks.length] ?? 0) % Math.max(1, waiting.length), 1)[0];
    if (next) next();
    else if (++idle) await vi.advanceTimersByTimeAsync(60_000);
  }
  const get = async (path: string) => (await handle(new Request(`http://x${path}`))).json();
  return { openSources: openSources.size, busy, log, health: await get("/health"), slots: await get("/slots") };
}

test("whichever way answers end, and in whichever order, nothing is left behind", async () => {
  const anyPlans = fc.array(plan, { minLength: 1, maxLength: 5 });
  const anyPicks = fc.array(fc.nat(50), { minLength: 1, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(anyPlans, anyPicks, async (drawn, picks) => {
      const plans = drawn.map((one) =>
        one.streams && one.ending === "silence" ? { ...one, leavesAfter: one.leavesAfter ?? 5 } : one,
      );
      const { openSources, busy, log, health, slots } = await runAll(plans, picks);
      expect({ busy, openSources, queue: health.queue, timers: vi.getTimerCount() }).toMatchObject({
        busy: 0,
        openSources: 0,
        queue: { active: 0, waiting: 0 },
        timers: 0,
      });
      expect(slots).toMatchObject([{ is_processing: false, id_task: null }]);
      expect(log.records).toHaveLength(plans.length);
      for (const { finish_reason } of log.records) expect(finish_reason).not.toBeNull();
    }),
    { numRuns: 150 },
  );
});
