import type { Page } from "playwright/test";
import { FAKE_TEXT, fakeAnswer, fakeBeginning } from "../fixtures/fake-text.ts";
import {
  beginStream,
  closedLogs,
  engineIdle,
  engineSteps,
  expect,
  generate,
  newTab,
  saidIn,
  streamEnd,
  streamHas,
  test,
} from "./harness.ts";

test.use({ fakeEngine: true });

/** Tokens by which an engine may be ahead of what was recorded: its credits, and the one that it is computing. */
const AHEAD = 16 + 1;

/** The tab that holds the engine's lock. */
const engineHost = (page: Page) =>
  page.evaluate(
    async () => (await navigator.locks.query()).held?.find(({ name }) => name === "minivault-engine")?.clientId,
  );

test("tokens come one by one, while the model is still at work", async ({ vault }) => {
  const read = await vault.evaluate(async () => {
    const abort = new AbortController();
    const response = await fetch("/generate/stream", {
      method: "POST",
      headers: { accept: "text/event-stream" },
      body: JSON.stringify({ prompt: "slow:40", max_new_tokens: 50_000 }), // half an hour
      signal: abort.signal,
    });
    const reader = response.body?.getReader();
    const read: string[] = [];
    while (read.length < 12) read.push(new TextDecoder().decode((await reader?.read())?.value));
    abort.abort();
    return read;
  });
  // A busy page may find several events at once, but never a part of one.
  const events = read.flatMap((chunk) => chunk.split("\n\n").slice(0, -1));
  expect(read.filter((chunk) => !chunk.endsWith("\n\n"))).toEqual([]);
  expect(saidIn(read.join(""))).toBe(fakeBeginning("slow:40", events.length));
});

test("no chunk ends in the middle of a character", async ({ vault }) => {
  const chunks = await vault.evaluate(async () => {
    const response = await fetch("/generate/stream", {
      method: "POST",
      body: JSON.stringify({ prompt: "slow:5", max_new_tokens: 120 }),
    });
    const reader = response.body?.getReader();
    const chunks: string[] = [];
    for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
      chunks.push(new TextDecoder("utf-8", { fatal: true }).decode(next.value));
    }
    return chunks;
  });
  expect(chunks.length).toBeGreaterThan(1);
  const text = chunks.join("").replace(/\uFFFD+$/, ""); // the 120th byte may be half a character
  expect(FAKE_TEXT.repeat(4)).toContain(text);
  expect(text.length).toBeGreaterThan(80);
});

test("an abort stops the engine, frees the queue, and is logged", async ({ vault }) => {
  const seen = await vault.evaluate(async () => {
    const abort = new AbortController();
    const response = await fetch("/generate/stream", {
      method: "POST",
      body: JSON.stringify({ prompt: "slow:50", max_new_tokens: 5000 }),
      signal: abort.signal,
    });
    const reader = response.body?.getReader();
    for (let chunks = 0; chunks < 4; chunks++) await reader?.read();
    abort.abort();
    return reader?.read().catch((cause: Error) => cause.name);
  });
  expect(seen).toBe("AbortError");

  const [record] = await closedLogs(vault);
  expect(record?.finish_reason).toBe("cancelled");
  const atAbort = record?.usage?.completion_tokens ?? 0;
  expect(atAbort).toBeGreaterThanOrEqual(4);

  // The queue is free, and nobody computes for the aborted stream any more: ten tokens take ten steps.
  await engineIdle(vault);
  const steps = await engineSteps(vault);
  expect(steps).toBeLessThanOrEqual(atAbort + AHEAD);
  expect((await generate(vault, { prompt: "slow:50", max_new_tokens: 10 })).status).toBe(200);
  expect((await engineSteps(vault)) - steps).toBe(10);
});

test("an aborted one-JSON request stops the engine too", async ({ vault }) => {
  await vault.evaluate(async () => {
    const abort = new AbortController();
    const pending = fetch("/generate", {
      method: "POST",
      body: JSON.stringify({ prompt: "slow:50", max_new_tokens: 1000 }),
      signal: abort.signal,
    });
    await pending; // the headers come with the first tokens: a thousand are sure to fit into the time there is
    abort.abort();
  });
  expect((await generate(vault, { prompt: "a", max_new_tokens: 1 })).status).toBe(200);
  const [record] = await closedLogs(vault);
  expect(record?.finish_reason).toBe("cancelled");
  expect(record?.usage?.completion_tokens).toBeLessThan(1000);
  await engineIdle(vault);
});

test("a second request waits for its turn, and one that leaves the queue is skipped", async ({ vault }) => {
  const order = await vault.evaluate(async () => {
    const order: string[] = [];
    const ask = async (name: string, max_new_tokens: number, signal?: AbortSignal) => {
      try {
        const response = await fetch("/generate/stream", {
          method: "POST",
          headers: { "x-request-id": name },
          body: JSON.stringify({ prompt: "slow:50", max_new_tokens }),
          ...(signal && { signal }),
        });
        await response.text();
        order.push(name);
      } catch {
        order.push(`${name} left`);
      }
    };
    const [enough, impatient] = [new AbortController(), new AbortController()];
    const waiting = async () => (await (await fetch("/health")).json()).queue.waiting;
    const first = ask("first", 50_000, enough.signal);
    const second = ask("second", 10, impatient.signal);
    const third = ask("third", 10);
    while ((await waiting()) !== 2);
    impatient.abort();
    await second;
    while ((await waiting()) !== 1);
    enough.abort();
    await Promise.all([first, third]);
    return order;
  });
  expect(order).toEqual(["second left", "first left", "third"]);
  const records = await closedLogs(vault);
  const ends = Object.fromEntries(records.map((record) => [record.request_id, record]));
  expect(ends["second"]?.finish_reason).toBe("cancelled");
  expect(ends["second"]?.response).toBe("");
  expect(ends["third"]).toMatchObject({ finish_reason: "length", usage: { completion_tokens: 10 } });
});

test("a slow reader slows the model instead of filling memory", async ({ vault }) => {
  await vault.evaluate(async () => {
    const response = await fetch("/generate/stream", {
      method: "POST",
      headers: { accept: "text/event-stream" },
      // Events of 40 bytes: 60,000 of them are far more than all buffers on the way.
      body: JSON.stringify({ prompt: "a", max_new_tokens: 60_000 }),
    });
    Object.assign(globalThis, { unread: response.body });
  });
  let last = -1;
  await expect
    .poll(
      async () => {
        const steps = await engineSteps(vault);
        const still = steps === last;
        last = steps;
        return still;
      },
      { intervals: [500] },
    )
    .toBe(true);
  expect(last).toBeLessThan(60_000);
});

test("a second tab is answered by the first tab's engine; when that closes, it hosts one itself", async ({
  vault,
  context,
  site,
}) => {
  const second = await newTab(context, site.url);
  expect((await generate(second, { prompt: "a", max_new_tokens: 5 })).status).toBe(200);
  expect(await engineSteps(second)).toBe(5);

  const first = await engineHost(second);
  await vault.close();
  await expect.poll(() => engineHost(second)).not.toBe(first);
  expect((await generate(second, { prompt: "a", max_new_tokens: 3 })).status).toBe(200);
  expect(await engineSteps(second)).toBe(3); // a new engine
  const third = await newTab(context, site.url);
  expect((await closedLogs(third)).length).toBe(2);
});

test("a request that waits while the engine's tab is closed is answered by the next tab's engine", async ({
  vault,
  context,
  site,
}) => {
  const second = await newTab(context, site.url);
  await beginStream(second, "running", { prompt: "slow:20", max_new_tokens: 100 });
  await beginStream(second, "waiting", { prompt: "slow:10", max_new_tokens: 20 });
  await streamHas(second, "running", 5);
  await vault.close();
  expect(saidIn((await streamEnd(second, "running")).text)).toBe(fakeAnswer("slow:20", 100));
  expect(saidIn((await streamEnd(second, "waiting")).text)).toBe(fakeAnswer("slow:10", 20));
  const records = await closedLogs(second);
  expect(records.map(({ finish_reason }) => finish_reason)).toEqual(["length", "length"]);
});

test("a service worker stopped in mid-stream cuts the stream, closes the record, and answers the next request", async ({
  vault,
  context,
}) => {
  const outcome = vault.evaluate(async () => {
    const response = await fetch("/generate/stream", {
      method: "POST",
      headers: { "x-request-id": "cut" },
      body: JSON.stringify({ prompt: "slow:50", max_new_tokens: 5000 }),
    });
    const reader = response.body?.getReader();
    await reader?.read();
    Object.assign(globalThis, { begun: true });
    try {
      for (let next = await reader?.read(); next && !next.done; next = await reader?.read());
      return "clean end";
    } catch (cause) {
      return (cause as Error).name;
    }
  });
  await vault.waitForFunction(() => "begun" in globalThis);
  const devtools = await context.newCDPSession(vault);
  await devtools.send("ServiceWorker.enable");
  await devtools.send("ServiceWorker.stopAllWorkers");
  expect(await outcome).toBe("TypeError");

  expect((await generate(vault, { prompt: "a", max_new_tokens: 3 })).status).toBe(200);
  const record = (await closedLogs(vault)).find(({ request_id }) => request_id === "cut");
  expect(record?.finish_reason).toBe("interrupted");
  expect(record?.prompt).toBe("slow:50");
  expect(record?.response).toBe(fakeBeginning("slow:50", record?.usage?.completion_tokens ?? 0)); // what was kept of it
  await engineIdle(vault);
  const before = await engineSteps(vault);
  expect((await generate(vault, { prompt: "slow:50", max_new_tokens: 10 })).status).toBe(200);
  expect((await engineSteps(vault)) - before).toBe(10); // nobody computes for the dead stream any more
});
