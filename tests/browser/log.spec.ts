import type { Page } from "playwright/test";
import type { LogRecord } from "../../core/log/log-record.ts";
import { parsePrometheus } from "../contract/parse-prometheus.ts";
import { fakeAnswer, fakeBeginning } from "../fixtures/fake-text.ts";
import { SCHEMA_3 } from "../fixtures/old-records.ts";
import {
  addLogRow,
  beginStream,
  closedLogs,
  DEAD_HUB,
  expect,
  generate,
  health,
  saidIn,
  stopServiceWorker,
  streamEnd,
  streamHas,
  streamSoFar,
  test,
} from "./harness.ts";
import { flipBit, stored } from "./stored.ts";

test.use({ fakeEngine: true });

/** Events of answers that are kept beside the log. */
const keptEvents = async (page: Page) => (await stored(page))["events"]?.flat().length;

test("a token is kept a quarter of a second later, though none comes after it", async ({ vault }) => {
  await beginStream(vault, "slow", { prompt: "slow:20000", max_new_tokens: 3 });
  await streamHas(vault, "slow", 1);
  await expect.poll(() => keptEvents(vault)).toBe(2); // the start, and the token
  expect((await streamSoFar(vault, "slow")).text.match(/"token"/g)).toHaveLength(1);
});

test("one JSON is in the log as far as it came when its service worker stops, and nothing of it lies about", async ({
  vault,
  context,
}) => {
  expect((await generate(vault, { prompt: "slow:20", max_new_tokens: 40 })).status).toBe(200);
  expect(await keptEvents(vault)).toBe(0);

  const answer = generate(vault, { prompt: "slow:20", max_new_tokens: 5000 }).catch((cause) => `${cause}`);
  await expect.poll(() => keptEvents(vault)).toBeGreaterThan(32);
  await stopServiceWorker(context, vault);
  expect(await answer).toContain("Failed to fetch");

  const record = (await closedLogs(vault)).find(({ finish_reason }) => finish_reason === "interrupted");
  const tokens = record?.usage?.completion_tokens ?? 0;
  expect(tokens).toBeGreaterThan(30);
  expect(record?.response).toBe(fakeBeginning("slow:20", tokens));
  expect(await keptEvents(vault)).toBe(0);
});

test("with storage full the answer comes all the same, and what is missing in the log is counted and shown", async ({
  vault,
  site,
  context,
}) => {
  const devtools = await context.newCDPSession(vault);
  const limitTo = (quotaSize?: number) =>
    devtools.send("Storage.overrideQuotaForOrigin", {
      origin: new URL(site.url).origin,
      ...(quotaSize && { quotaSize }),
    });
  const ask = { prompt: "not stored", max_new_tokens: 5 };
  await limitTo(1);
  expect(await generate(vault, ask)).toMatchObject({ status: 200, response: fakeAnswer(ask.prompt, 5) });
  await expect(vault.getByText("An exchange could not be stored: this site's storage is full.")).toBeVisible();
  expect((await health(vault)).log_failures).toBe(1);
  const metrics = await vault.evaluate(async () => (await fetch("/metrics")).text());
  expect(parsePrometheus(metrics).value("minivault_log_failures_total")).toBe(1);

  await limitTo();
  expect((await generate(vault, { ...ask, prompt: "stored" })).status).toBe(200);
  expect((await closedLogs(vault)).map(({ prompt }) => prompt)).toEqual(["stored"]);
});

test("an answer whose end could not be stored has its record as soon as storage is back", async ({ vault }) => {
  await beginStream(vault, "held", { prompt: "slow:20", max_new_tokens: 60 });
  await streamHas(vault, "held", 10);
  await vault.evaluate(
    () =>
      new Promise<void>((resolve, reject) => {
        const opening = indexedDB.open("minivault", 1_000); // takes the connection of the service worker
        opening.onerror = reject;
        opening.onupgradeneeded = () => {
          const store = opening.transaction!.objectStore("size");
          let isHeld = true;
          const hold = () => isHeld && Object.assign(store.get("size"), { onsuccess: hold });
          hold();
          Object.assign(globalThis, {
            release: () => {
              isHeld = false;
            },
          });
          resolve();
        };
        opening.onsuccess = () => opening.result.close();
      }),
  );
  await streamEnd(vault, "held");
  await expect(vault.getByText("An exchange could not be stored: The log is being upgraded")).toBeVisible();
  await vault.evaluate(() => (globalThis as unknown as { release(): void }).release());
  await expect
    .poll(async () => (await closedLogs(vault)).map(({ finish_reason }) => finish_reason))
    .toEqual(["length"]);
  expect((await closedLogs(vault))[0]?.response).toBe(fakeAnswer("slow:20", 60));
});

test.describe("at a site that has private things redacted", () => {
  const SECRETS = ["jane.doe@example.com", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00", "AB-1234"];
  const REDACT = { MINIVAULT_LOG_REDACT: "email,phone,card,iban", MINIVAULT_LOG_REDACT_PATTERNS: '["AB-\\\\d+"]' };
  test.use({ env: { MINIVAULT_HUB: DEAD_HUB, MINIVAULT_MODEL: "minivault-demo", ...REDACT } });

  test("they are not stored, while an answer grows neither, and it is known as far as it is settled", async ({
    vault,
    context,
  }) => {
    const ask = { prompt: `slow:10 ${SECRETS.join(", ")}`, max_new_tokens: 5000 };
    await beginStream(vault, "asked", ask);
    await streamHas(vault, "asked", 400);
    await expect.poll(() => keptEvents(vault)).toBeGreaterThan(400);
    for (const secret of SECRETS) expect(JSON.stringify(await stored(vault))).not.toContain(secret);

    await stopServiceWorker(context, vault);
    const [record] = await closedLogs(vault);
    expect(record).toMatchObject({
      prompt: "slow:10 [email], [card], [iban], [redacted]",
      redacted: 4,
      finish_reason: "interrupted",
    });
    const tokens = record?.usage?.completion_tokens ?? 0;
    expect(tokens).toBeGreaterThan(400);
    expect(fakeAnswer(ask.prompt, tokens)).toContain(record?.response);
    expect(record?.response.length).toBeGreaterThan(50);
  });
});

test("a record that somebody changed is named, though it be no JSON any more, and can be deleted", async ({
  vault,
}) => {
  for (const prompt of ["first", "second", "third"]) await generate(vault, { prompt, max_new_tokens: 3 });
  const [first, second] = await closedLogs(vault);
  const ask = (path: string, method = "GET") =>
    vault.evaluate(
      async ([path, method]) => {
        const response = await fetch(path, { method });
        return response.status === 204 ? null : response.json();
      },
      [path, method] as const,
    );
  const text = (await stored(vault))["logs"]![0] as { line: string };

  await flipBit(vault, "line", text.line.indexOf("first"));
  expect(await ask("/logs/verify")).toMatchObject({ whole: false, first_broken: { id: first?.id } });
  expect(await ask(`/logs/${first?.id}`)).toMatchObject({ prompt: "girst" });

  await flipBit(vault, "line", 0);
  expect(await ask("/logs/verify")).toMatchObject({ whole: false, first_broken: { id: second?.id } });
  expect(await ask(`/logs/${first?.id}`)).toMatchObject({
    status: 500,
    code: "log-failed",
    detail: expect.stringContaining(`DELETE /logs/${first?.id}`),
  });
  await ask(`/logs/${first?.id}`, "DELETE");
  expect(await ask("/logs/verify")).toMatchObject({ whole: true });
  expect((await closedLogs(vault)).map(({ prompt }) => prompt)).toEqual(["second", "third", null]); // and what failed
});

const promptsStored = async (page: Page) => {
  const rows = (await stored(page))["logs"] as { line: string }[];
  return rows.map(({ line }) => (JSON.parse(line) as LogRecord).prompt);
};

test.describe("at a site that keeps three records", () => {
  test.use({ env: { MINIVAULT_HUB: DEAD_HUB, MINIVAULT_MODEL: "minivault-demo", MINIVAULT_LOG_KEEP_RECORDS: "3" } });

  test("the oldest go first, with all that was kept of them, but none that is going on", async ({ vault }) => {
    await beginStream(vault, "first", { prompt: "first", max_new_tokens: 3 });
    await streamEnd(vault, "first");
    expect(await stored(vault)).toMatchObject({ streams: [expect.anything()] });
    for (const prompt of ["second", "third"]) await generate(vault, { prompt, max_new_tokens: 3 });
    expect(await promptsStored(vault)).toEqual(["first", "second", "third"]);

    await beginStream(vault, "long", { prompt: "slow:20 long", max_new_tokens: 5000 });
    await streamHas(vault, "long", 1);
    expect((await generate(vault, { prompt: "refused", temperature: "hot" })).status).toBe(400);
    expect(await promptsStored(vault)).toEqual(["third", "slow:20 long", null]);
    for (let round = 0; round < 3; round++) await generate(vault, { prompt: "refused", temperature: "hot" });
    expect(await promptsStored(vault)).toEqual(["slow:20 long", null, null]);
    const kept = await stored(vault);
    expect(kept["streams"]).toMatchObject([{ names: [expect.anything()] }]);
    expect(kept["size"]).toMatchObject([{ records: 3 }]);
    expect(JSON.stringify(kept)).not.toContain("first");
  });
});

test.describe("at a site that keeps a year, and 4 kB", () => {
  const KEEP = { MINIVAULT_LOG_KEEP_DAYS: "365", MINIVAULT_LOG_KEEP_BYTES: "4000" };
  test.use({ env: { MINIVAULT_HUB: DEAD_HUB, MINIVAULT_MODEL: "minivault-demo", ...KEEP } });

  test("what is older goes when the log is opened, and what is too much when there is more", async ({ vault }) => {
    await generate(vault, { prompt: "of today", max_new_tokens: 3 });
    await addLogRow(vault, { ...SCHEMA_3, id: "of 2001", timestamp_ns: "1000000000000000000" });
    expect((await closedLogs(vault)).map(({ prompt }) => prompt)).toEqual(["of today"]);

    for (const prompt of ["a".repeat(1500), "b".repeat(1500)]) await generate(vault, { prompt, max_new_tokens: 3 });
    expect(await promptsStored(vault)).toEqual(["b".repeat(1500)]);
    const text = await vault.evaluate(async () => (await fetch("/logs")).text());
    expect((await stored(vault))["size"]).toMatchObject([{ records: 1, bytes: new TextEncoder().encode(text).length }]);
  });
});

for (const level of ["metadata", "none"]) {
  test.describe(`at a site that has ${level} logged`, () => {
    test.use({ env: { MINIVAULT_HUB: DEAD_HUB, MINIVAULT_MODEL: "minivault-demo", MINIVAULT_LOG_LEVEL: level } });

    test("no text is stored, of no request, and while it is answered neither", async ({ vault }) => {
      const ask = { prompt: "slow:10 secret", max_new_tokens: 60 };
      const answer = fakeAnswer(ask.prompt, 60);
      const words = answer.slice(0, 12);
      await beginStream(vault, "asked", ask);
      await streamHas(vault, "asked", 40);
      // Events have a piece of a word each, so none may be there at all.
      expect(await stored(vault)).toMatchObject({ events: [], streams: [] });
      expect(JSON.stringify(await stored(vault))).not.toContain("secret");
      expect(saidIn((await streamEnd(vault, "asked")).text)).toBe(answer);
      expect(await generate(vault, ask)).toMatchObject({ status: 200, response: answer });

      const records = await closedLogs(vault);
      expect(records).toHaveLength(level === "none" ? 0 : 2);
      for (const text of ["secret", words]) expect(JSON.stringify(await stored(vault))).not.toContain(text);
      expect(await health(vault)).toMatchObject({ log_failures: 0 });
      await expect(vault.getByText("Its texts are not kept.")).toHaveCount(records.length);
    });
  });
}
