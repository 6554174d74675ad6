import type { Page } from "playwright/test";
import { ENDLESS } from "../fixtures/endless.ts";
import { fakeAnswer } from "../fixtures/fake-text.ts";
import {
  beginStream,
  closedLogs,
  engineSteps,
  expect,
  generate,
  newTab,
  saidIn,
  stopServiceWorker,
  streamEnd,
  streamHas,
  test,
} from "./harness.ts";

/** What an undisturbed reader gets. */
async function undisturbed(page: Page, body: object): Promise<string> {
  await beginStream(page, "undisturbed", body);
  return (await streamEnd(page, "undisturbed")).text;
}

/** Everything but ids of the exchange and figures of time. */
const withoutTimes = (sse: string): string => sse.replace(/"timings":\{[^}]*\}|"id":"[^"]*"/g, "");

test.describe("with the embedded model", () => {
  for (const sampling of [{ temperature: 0 }, { temperature: 1, seed: 7, ...ENDLESS }]) {
    const title = sampling.temperature ? "sampled with a seed" : "greedy";
    test(`the tab that hosts the engine is closed in the middle of another tab's answer: it goes on, ${title}`, async ({
      vault,
      context,
      site,
    }) => {
      const body = { prompt: "Once upon a time", max_new_tokens: 240, ...sampling };
      const second = await newTab(context, site.url);
      const whole = await undisturbed(second, body);
      await beginStream(second, "answer", body);
      await vault.close();
      const { text, end } = await streamEnd(second, "answer");
      expect(end).toBe("closed");
      expect(withoutTimes(text)).toBe(withoutTimes(whole));
    });
  }
});

test.describe("with an engine that takes its time", () => {
  test.use({ fakeEngine: true });

  test("the tab that hosts the engine is closed: the same response goes on, in one record", async ({
    vault,
    context,
    site,
  }) => {
    const second = await newTab(context, site.url);
    await beginStream(second, "answer", { prompt: "slow:20", max_new_tokens: 150 });
    await streamHas(second, "answer", 20);
    await vault.close();
    const { text, end } = await streamEnd(second, "answer");
    expect(end).toBe("closed");
    expect(saidIn(text)).toBe(fakeAnswer("slow:20", 150));
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
    expect(Number(/"handover_ms":([\d.]+)/.exec(text)?.[1])).toBeGreaterThan(0);
    const [record, ...others] = await closedLogs(second);
    expect(others).toEqual([]);
    expect(record).toMatchObject({ finish_reason: "length", usage: { completion_tokens: 150 } });
    // The new engine took the same steps again: the prompt in one, then token by token.
    expect(await engineSteps(second)).toBe(150);
  });

  test("the tab that hosts the engine crashes: the answer on another tab's page goes on", async ({
    vault,
    context,
    site,
  }) => {
    const second = await newTab(context, site.url);
    await second.getByLabel("Prompt").fill("slow:30");
    await second.getByRole("button", { name: "Generate" }).click();
    const answer = second.getByRole("region", { name: "Answer" });
    await expect(answer).toContainText("Zwölf");
    const devtools = await context.newCDPSession(vault);
    devtools.send("Page.crash").catch(() => {}); // nobody is left to answer; the service worker may live there as well
    await expect(answer).toContainText("128 tokens");
    expect(await answer.locator("#answer").textContent()).toBe(fakeAnswer("slow:30", 128));
    const [record, ...others] = await closedLogs(second);
    expect(others).toEqual([]);
    expect(record?.finish_reason).toBe("length");
  });

  test("the page says for how long an answer was silent while the engine moved", async ({ vault, context, site }) => {
    const second = await newTab(context, site.url);
    await second.getByLabel("Prompt").fill("slow:30");
    await second.getByRole("button", { name: "Generate" }).click();
    const answer = second.getByRole("region", { name: "Answer" });
    await expect(answer).toContainText("Zwölf");
    await vault.close();
    await expect(answer).toContainText(/moved to another tab in \d+\.\d s/);
    expect(await answer.locator("#answer").textContent()).toBe(fakeAnswer("slow:30", 128));
  });

  test("one JSON goes on as well", async ({ vault, context, site }) => {
    const second = await newTab(context, site.url);
    const answer = generate(second, { prompt: "slow:20", max_new_tokens: 100 });
    await expect.poll(() => engineSteps(second)).toBeGreaterThan(5);
    await vault.close();
    expect(await answer).toMatchObject({ status: 200, response: fakeAnswer("slow:20", 100) });
  });

  test("a frame of the same origin is answered by the same engine", async ({ vault }) => {
    const text = await vault.evaluate(async () => {
      const frame = document.createElement("iframe");
      frame.srcdoc = "<!doctype html><title>A frame</title>";
      const loaded = new Promise((resolve) => frame.addEventListener("load", resolve, { once: true }));
      document.body.append(frame);
      await loaded;
      const body = JSON.stringify({ prompt: "a", max_new_tokens: 7 });
      const response = await (frame.contentWindow as Window & typeof globalThis).fetch("/generate/stream", {
        method: "POST",
        body,
      });
      return response.text();
    });
    expect(text).toBe(fakeAnswer("a", 7));
    expect(await engineSteps(vault)).toBe(7);
  });

  test("three hosts in a row are closed", async ({ vault, context, site }) => {
    const tabs = [vault];
    for (let count = 0; count < 3; count++) tabs.push(await newTab(context, site.url));
    const reader = tabs.pop() as Page;
    await beginStream(reader, "answer", { prompt: "slow:20", max_new_tokens: 200 });
    for (const [place, tab] of tabs.entries()) {
      await streamHas(reader, "answer", 40 * (place + 1));
      await tab.close();
    }
    expect(saidIn((await streamEnd(reader, "answer")).text)).toBe(fakeAnswer("slow:20", 200));
  });

  test("a stopped service worker cuts a stream; it goes on after the last event, in one record", async ({
    vault,
    context,
  }) => {
    await beginStream(vault, "answer", { prompt: "slow:20", max_new_tokens: 100 });
    await streamHas(vault, "answer", 20);
    await stopServiceWorker(context, vault);
    const first = await streamEnd(vault, "answer");
    expect(first.end).toBe("TypeError");
    const events = first.text.slice(0, first.text.lastIndexOf("\n\n") + 2);
    const lastId = /id: (\d+)\n.*\n\n$/.exec(events)?.[1] ?? "";
    const second = await vault.evaluate(async (lastId) => {
      const response = await fetch("/generate/stream/answer", { headers: { "last-event-id": lastId } });
      return response.text();
    }, lastId);
    expect(saidIn(events + second)).toBe(fakeAnswer("slow:20", 100));
    const [record, ...others] = await closedLogs(vault);
    expect(others).toEqual([]);
    expect(record).toMatchObject({ finish_reason: "length", response: fakeAnswer("slow:20", 100) });
  });

  test("an EventSource reads what was cut, from its beginning", async ({ vault, context }) => {
    await beginStream(vault, "answer", { prompt: "slow:20", max_new_tokens: 60 });
    await streamHas(vault, "answer", 10);
    await stopServiceWorker(context, vault);
    await streamEnd(vault, "answer");
    const text = await vault.evaluate(
      () =>
        new Promise((resolve) => {
          let text = "";
          const source = new EventSource("/generate/stream/answer");
          source.onmessage = ({ data }) => {
            if (data !== "[DONE]") text += JSON.parse(data).token;
            else {
              source.close(); // it would reconnect, and Chromium shows no service worker its Last-Event-ID
              resolve(text);
            }
          };
        }),
    );
    expect(text).toBe(fakeAnswer("slow:20", 60));
  });
});

test.describe("with little patience", () => {
  test.use({ hasty: true });

  test("a stream says that it is there while there is nothing to say", async ({ vault }) => {
    await beginStream(vault, "answer", { prompt: "slow:1000", max_new_tokens: 3 });
    const { text } = await streamEnd(vault, "answer");
    expect(text).toMatch(/^(: ping\n\n)+id: 1\n/); // before the first token, too
    expect(saidIn(text)).toBe(fakeAnswer("slow:1000", 3));
  });

  test("one JSON that takes too long is a 504, and the log has what was generated", async ({ vault }) => {
    expect(await generate(vault, { prompt: "slow:500", max_new_tokens: 1000 })).toMatchObject({
      status: 504,
      code: "timeout",
    });
    const [record] = await closedLogs(vault);
    expect(record).toMatchObject({ finish_reason: "error", error: { code: "timeout", status: 504 } });
    expect(record?.response).not.toBe("");
    expect((await generate(vault, { prompt: "a", max_new_tokens: 2 })).status).toBe(200);
  });

  test("a reader that stops reading loses its place, and goes on later", async ({ vault }) => {
    await vault.evaluate(async () => {
      await fetch("/generate/stream", {
        method: "POST",
        headers: { "x-request-id": "unread", accept: "text/event-stream" },
        body: JSON.stringify({ prompt: "a", max_new_tokens: 60_000 }),
      }).then((response) => Object.assign(globalThis, { unread: response.body }));
    });
    expect((await generate(vault, { prompt: "b", max_new_tokens: 2 })).status).toBe(200);
    const record = (await closedLogs(vault)).find(({ request_id }) => request_id === "unread");
    expect(record).toMatchObject({ finish_reason: "error", error: { code: "reader-stalled", status: 408 } });
    const { from, rest } = await vault.evaluate(async () => {
      const reader = (globalThis as unknown as { unread: ReadableStream }).unread
        .pipeThrough(new TextDecoderStream())
        .getReader();
      let text = "";
      try {
        for (let next = await reader.read(); !next.done; next = await reader.read()) text += next.value;
      } catch {}
      const from = [...text.matchAll(/^id: (\d+)\n.*\n\n/gm)].at(-1)?.[1] ?? "";
      const response = await fetch("/generate/stream/unread", { headers: { "last-event-id": from } });
      const other = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      const rest = (await other.read()).value;
      await other.cancel();
      return { from: Number(from), rest };
    });
    expect(rest).toContain(`id: ${from + 1}\n`);
  });

  test("an engine that hangs in the middle of an answer is replaced, and the answer goes on", async ({ vault }) => {
    const body = { prompt: "slow:10 spin:20", max_new_tokens: 60 };
    await beginStream(vault, "answer", body);
    const { text, end } = await streamEnd(vault, "answer");
    expect(end).toBe("closed");
    expect(saidIn(text)).toBe(fakeAnswer(body.prompt, 60));
    expect((await generate(vault, { prompt: "a", max_new_tokens: 2 })).status).toBe(200);
  });

  test("streams are forgotten some time after their end", async ({ vault }) => {
    await beginStream(vault, "answer", { prompt: "a", max_new_tokens: 3 });
    await streamEnd(vault, "answer");
    const status = () => vault.evaluate(async () => (await fetch("/generate/stream/answer")).status);
    expect(await status()).toBe(200);
    await expect.poll(status).toBe(404);
    const left = await vault.evaluate(
      () =>
        new Promise((resolve) => {
          const opening = indexedDB.open("minivault");
          opening.onsuccess = () => {
            const counting = opening.result.transaction("events").objectStore("events").count();
            counting.onsuccess = () => resolve(counting.result);
          };
        }),
    );
    expect(left).toBe(0);
  });
});
