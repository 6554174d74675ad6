import type { Page } from "playwright/test";
import type { LogRecord } from "../../core/log/log-record.ts";
import { fakeAnswer, fakeBeginning } from "../fixtures/fake-text.ts";
import { beginStream, expect, generate, newTab, stopServiceWorker, streamHas, test } from "./harness.ts";
import { flipBit, stored } from "./stored.ts";

test.use({ fakeEngine: true });

const PASSPHRASE = "correct horse battery";

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: what a route answers is for the test to check
  readonly body: any;
}

const ask = (page: Page, path: string, body?: object): Promise<Answer> =>
  page.evaluate(
    async ({ path, body }) => {
      const response = await fetch(path, body && { method: "POST", body: JSON.stringify(body) });
      return { status: response.status, body: JSON.parse((await response.text()) || "null") };
    },
    { path, body },
  );

/** Status, and the records if they can be read. */
const read = (page: Page, query = ""): Promise<{ status: number; records: LogRecord[] }> =>
  page.evaluate(async (query) => {
    const response = await fetch(`/logs${query}`);
    const lines = (await response.text()).split("\n").slice(0, -1);
    return { status: response.status, records: response.ok ? lines.map((line) => JSON.parse(line)) : [] };
  }, query);

const prompts = async (page: Page): Promise<(LogRecord["prompt"] | undefined)[]> =>
  (await read(page)).records.filter(({ error }) => !error).map(({ prompt }) => prompt);

const post = (page: Page, path: string) =>
  page.evaluate(async (path) => (await fetch(path, { method: "POST" })).status, path);

test("a locked log cannot be read, also not by us, goes on, and opens with its passphrase alone", async ({
  vault,
  context,
}) => {
  await generate(vault, { prompt: "before the vault", max_new_tokens: 5 });
  expect((await ask(vault, "/logs/vault")).body).toEqual({ state: "none", locks_at: null });
  expect((await ask(vault, "/logs/vault", { passphrase: "short" })).body).toMatchObject({ code: "bad-request" });
  expect((await ask(vault, "/logs/vault/unlock", { passphrase: PASSPHRASE })).body.code).toBe("vault-missing");
  expect((await ask(vault, "/logs/vault", { passphrase: PASSPHRASE })).body).toMatchObject({ state: "unlocked" });
  expect((await ask(vault, "/logs/vault", { passphrase: PASSPHRASE })).body.code).toBe("vault-exists");
  await generate(vault, { prompt: "while unlocked", max_new_tokens: 5 });
  expect(await prompts(vault)).toEqual(["before the vault", "while unlocked"]);

  await vault.getByRole("button", { name: "Lock", exact: true }).click();
  await expect(vault.getByText("The log is locked")).toBeVisible();
  await expect(vault.getByText("while unlocked")).toBeHidden();
  await vault.reload();
  await expect(vault.getByText("The log is locked")).toBeVisible();
  for (const path of [
    "/logs",
    "/logs/export?format=zip",
    "/logs/stats",
    "/logs/verify",
    "/logs?model=fake",
    `/logs/${crypto.randomUUID()}`,
  ]) {
    expect((await ask(vault, path)).body, path).toMatchObject({ code: "vault-locked", status: 423 });
  }
  expect(await generate(vault, { prompt: "while locked", max_new_tokens: 5 })).toMatchObject({ status: 200 });
  const everything = JSON.stringify(await stored(vault), (_, value) =>
    value instanceof Uint8Array ? String.fromCharCode(...value) : value,
  );
  for (const text of ["before the vault", "while unlocked", "while locked", fakeAnswer("while locked", 5)]) {
    expect(everything).not.toContain(text);
  }

  expect((await ask(vault, "/logs/vault/unlock", { passphrase: "correct house" })).body).toMatchObject({
    code: "wrong-passphrase",
    status: 403,
  });
  expect((await ask(vault, "/logs/vault/unlock", { passphrase: PASSPHRASE })).body).toMatchObject({
    state: "unlocked",
  });
  expect(await prompts(vault)).toEqual(["before the vault", "while unlocked", "while locked"]);
  expect((await ask(vault, "/logs/verify")).body).toMatchObject({ whole: true });

  await stopServiceWorker(context, vault); // the page tells the next one
  expect(await prompts(vault)).toHaveLength(3);
  const other = await newTab(context, vault.url());
  expect(await post(other, "/logs/vault/lock")).toBe(200);
  expect((await read(vault)).status).toBe(423);
});

test("a log that nobody reads is locked by itself, and a new passphrase replaces the old one", async ({ vault }) => {
  await ask(vault, "/logs/vault", { passphrase: PASSPHRASE });
  await generate(vault, { prompt: "kept", max_new_tokens: 5 });
  const change = { passphrase: PASSPHRASE, new_passphrase: "battery staple" };
  expect((await ask(vault, "/logs/vault/passphrase", { ...change, passphrase: "no" })).body.code).toBe(
    "wrong-passphrase",
  );
  expect((await ask(vault, "/logs/vault/passphrase", change)).status).toBe(200);
  expect((await ask(vault, "/logs/vault/unlock", { passphrase: PASSPHRASE })).body.code).toBe("wrong-passphrase");
  await ask(vault, "/logs/vault/unlock", { passphrase: "battery staple", idle_s: 1 });
  expect(await prompts(vault)).toEqual(["kept"]);
  await expect(vault.getByText("The log is locked")).toBeVisible(); // by itself
  expect((await ask(vault, "/logs/vault")).body).toEqual({ state: "locked", locks_at: null });
});

test("what a service worker that died left open is sealed, and is closed when the log is unlocked", async ({
  vault,
  context,
}) => {
  await ask(vault, "/logs/vault", { passphrase: PASSPHRASE });
  await post(vault, "/logs/vault/lock");
  await beginStream(vault, "cut", { prompt: "slow:20", max_new_tokens: 5000 });
  await streamHas(vault, "cut", 60);
  await stopServiceWorker(context, vault);
  expect(JSON.stringify(await stored(vault))).not.toContain("slow:20");
  await ask(vault, "/logs/vault/unlock", { passphrase: PASSPHRASE });
  const { records } = await read(vault);
  expect(records).toMatchObject([{ prompt: "slow:20", finish_reason: "interrupted" }]);
  const tokens = records[0]?.usage?.completion_tokens ?? 0;
  expect(tokens).toBeGreaterThan(20);
  expect(records[0]?.response).toBe(fakeBeginning("slow:20", tokens));
  expect((await ask(vault, "/logs/verify")).body).toMatchObject({ whole: true, records: 1 });
});

test("a record that is damaged is sealed as well, with all behind it", async ({ vault }) => {
  for (const prompt of ["first", "second"]) await generate(vault, { prompt, max_new_tokens: 5 });
  const { records } = await read(vault);
  await flipBit(vault, "line", 0);
  await ask(vault, "/logs/vault", { passphrase: PASSPHRASE });
  const rows = (await stored(vault))["logs"] as { line?: string; sealed?: object }[];
  expect(rows.filter(({ line, sealed }) => line || !sealed)).toEqual([]);
  expect((await ask(vault, `/logs/${records[0]?.id}`)).body).toMatchObject({ code: "log-failed", status: 500 });
  expect((await ask(vault, `/logs/${records[1]?.id}`)).body).toMatchObject({ prompt: "second" });
});

test("a sealed record that was changed is told from a wrong passphrase; one can be deleted without it", async ({
  vault,
}) => {
  await ask(vault, "/logs/vault", { passphrase: PASSPHRASE });
  for (const prompt of ["first", "second"]) await generate(vault, { prompt, max_new_tokens: 5 });
  const [first, second] = (await read(vault)).records;
  await flipBit(vault, "sealed", 3);
  expect((await ask(vault, `/logs/${first?.id}`)).body).toMatchObject({ code: "vault-damaged", status: 500 });
  expect((await ask(vault, `/logs/${second?.id}`)).body).toMatchObject({ prompt: "second" });
  await post(vault, "/logs/vault/lock");
  const gone = await vault.evaluate(async (id) => (await fetch(`/logs/${id}`, { method: "DELETE" })).status, first?.id);
  expect(gone).toBe(204);
  await ask(vault, "/logs/vault/unlock", { passphrase: PASSPHRASE });
  expect(await prompts(vault)).toEqual(["second"]);
});

test("a lock is final: not undone by a page that missed it, by an unlocking that had begun, nor by a new service worker", async ({
  vault,
  context,
}) => {
  await ask(vault, "/logs/vault", { passphrase: PASSPHRASE });
  await generate(vault, { prompt: "secret", max_new_tokens: 5 });
  // A page that was frozen, as seen by the others: it answers with the key that it had.
  await vault.evaluate(() => {
    const channel = new BroadcastChannel("minivault-keys");
    let held: unknown;
    channel.addEventListener("message", ({ data }) => {
      if (data.type === "held") held ??= data;
      else if (held) channel.postMessage(held);
    });
  });
  await ask(vault, "/logs/vault/unlock", { passphrase: PASSPHRASE });
  expect(await prompts(vault)).toEqual(["secret"]);

  expect(await post(vault, "/logs/vault/lock")).toBe(200);
  expect((await read(vault)).status).toBe(423);
  await stopServiceWorker(context, vault);
  expect((await read(vault)).status).toBe(423);
  expect((await ask(vault, "/logs/vault")).body).toMatchObject({ state: "locked" });

  const answers = await vault.evaluate(async (passphrase) => {
    const unlocking = fetch("/logs/vault/unlock", { method: "POST", body: JSON.stringify({ passphrase }) });
    const locking = fetch("/logs/vault/lock", { method: "POST" });
    return Promise.all([unlocking, locking].map(async (answer) => (await (await answer).json()).state));
  }, PASSPHRASE);
  expect(answers).toEqual([undefined, "locked"]);
  expect((await read(vault)).status).toBe(423);

  expect((await ask(vault, "/logs/vault/unlock", { passphrase: PASSPHRASE })).status).toBe(200);
  expect(await prompts(vault)).toEqual(["secret"]);
});
