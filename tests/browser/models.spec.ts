import { cpSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright/test";
import { indexModels } from "../../cli/model-index.ts";
import { serveSite } from "../../cli/site-server.ts";
import { findChromium, QUIET_FLAGS } from "../find-chromium.ts";
import { MERGED_CASE } from "../fixtures/expected-greedy.ts";
import type { Hub } from "../fixtures/hub.ts";
import { expect, generate, health, newTab, visit } from "./harness.ts";
import { test } from "./hub-harness.ts";
import { copyOfSite } from "./site-folders.ts";
import { startProxy } from "./site-proxy.ts";

const INSECURE_HOST = "lan.test";
test.use({
  launchOptions: {
    executablePath: findChromium(),
    args: [...QUIET_FLAGS, `--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1`],
  },
});

const FOLDER = fileURLToPath(new URL("../fixtures/merged-decoder", import.meta.url));
const WEIGHTS = "onnx/decoder_model_merged_quantized.onnx";
const WEIGHTS_PATH = `/Xenova/distilgpt2/resolve/main/${WEIGHTS}`;
const SIZE = 801_591;
const MODEL = "distilgpt2";

const ask = { prompt: MERGED_CASE.prompt, temperature: 0, max_new_tokens: MERGED_CASE.ids.length };
const RIGHT = { status: 200, response: MERGED_CASE.text };
const askDemo = { prompt: "Q: What is the capital of France?\nA:" };
const PARIS = { status: 200, model: "minivault-demo", response: " Paris." };

const sent = (hub: Hub): number => [...hub.sentBytes.values()].reduce((sum, bytes) => sum + bytes, 0);

const get = (page: Page, path: string) => page.evaluate(async (path) => (await fetch(path)).json(), path);

const stateOf = async (page: Page, name: string) =>
  (await get(page, "/models")).models.find((model: { name: string }) => model.name === name);

/** Bytes of a download that are still to come. */
const leftOf = async (page: Page, name: string) => {
  const { loaded_bytes, total_bytes } = await stateOf(page, name);
  return total_bytes - loaded_bytes;
};

/** A stored file, behind the app's back. */
const tamper = (page: Page, how: "change a byte" | "evict", sizeBytes = SIZE) =>
  page.evaluate(
    async ([how, size]) => {
      const folders = [await navigator.storage.getDirectory()];
      for (const folder of folders) {
        for await (const [name, handle] of folder.entries()) {
          if (handle.kind === "directory") folders.push(handle as FileSystemDirectoryHandle);
          else if ((await (handle as FileSystemFileHandle).getFile()).size === size) {
            if (how === "evict") return folder.removeEntry(name);
            const file = handle as FileSystemFileHandle;
            const [was = 0] = new Uint8Array(await (await file.getFile()).slice(12_345, 12_346).arrayBuffer());
            const stream = await file.createWritable({ keepExistingData: true });
            await stream.write({ type: "write", position: 12_345, data: new Uint8Array([was ^ 1]) });
            return stream.close();
          }
        }
      }
      throw new Error("There is no such file.");
    },
    [how, sizeBytes] as const,
  );

/** `POST /api/pull`, until its end or, if a pattern is given, until a line fits: then it is left. */
const pull = (page: Page, model: string, until: string | null = null) =>
  page.evaluate(
    async ([model, until]) => {
      const left = new AbortController();
      const response = await fetch("/api/pull", {
        method: "POST",
        body: JSON.stringify({ model }),
        signal: left.signal,
      });
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        text += next.value;
        if (until && new RegExp(until).test(text)) break;
      }
      left.abort();
      return { status: response.status, lines: text.split("\n").filter(Boolean) };
    },
    [model, until] as const,
  );

test("a first visit: bytes on the page, three cuts, each resumed, verified, and the reference tokens", async ({
  page,
  hub,
  site,
}) => {
  hub.faults = [{ stallAfter: 200_000, bytesPerSecond: 400_000, times: 3 }];
  await visit(page, site.url);
  const status = page.locator("engine-status");
  await expect(status.getByText(`Downloading ${MODEL}`, { exact: true })).toBeVisible();
  await expect(status.getByText(/\d+ kB of \d+ kB/)).toBeVisible();
  for (const readBytes of [200_000, 400_000, 600_000]) {
    // What was not read before a cut is sent again.
    await expect.poll(() => leftOf(page, MODEL)).toBe(SIZE - readBytes);
    hub.breakAll();
  }
  expect(await generate(page, ask)).toMatchObject({ ...RIGHT, model: MODEL });
  const ranges = hub.log.filter(({ path, method }) => path === WEIGHTS_PATH && method === "GET");
  expect(ranges.map(({ range }) => range !== null)).toEqual([false, true, true, true]);
  expect(hub.sentBytes.get(WEIGHTS_PATH)).toBeLessThanOrEqual(SIZE * 1.01);
  expect(await health(page)).toMatchObject({
    model: MODEL,
    loaded: [MODEL],
    fallback: null,
    models: { kept: true },
    self_check: { deviation: expect.any(Number) },
  });
});

test("a first download asks the browser to keep the files, which one without does not", async ({ page, hub, site }) => {
  await page.addInitScript(() => {
    const { storage } = navigator;
    storage.persist = async () => {
      document.documentElement.dataset["asked"] = `${Number(document.documentElement.dataset["asked"] ?? 0) + 1}`;
      return true;
    };
  });
  const asked = page.locator("html[data-asked='1']");
  await visit(page, site.url);
  await expect(asked).toBeAttached();
  expect(await generate(page, ask)).toMatchObject({ ...RIGHT, model: MODEL });
  hub.requests.length = 0;
  await page.reload();
  expect(await generate(page, ask)).toMatchObject({ ...RIGHT, model: MODEL });
  await expect(asked).not.toBeAttached();
  expect(hub.requests).toEqual([]);
});

test("a second visit takes not a byte from the hub", async ({ vault, hub }) => {
  expect(await generate(vault, ask)).toMatchObject(RIGHT);
  const before = { requests: hub.requests.length, bytes: sent(hub) };
  await visit(vault, vault.url());
  expect(await generate(vault, ask)).toMatchObject({ ...RIGHT, model: MODEL });
  expect({ requests: hub.requests.length, bytes: sent(hub) }).toEqual(before);
});

for (const how of ["change a byte", "evict"] as const) {
  test(`the next visit heals stored weights, and fetches them alone (${how})`, async ({
    vault,
    hub,
    site,
    context,
  }) => {
    expect(await generate(vault, ask)).toMatchObject(RIGHT);
    await tamper(vault, how);
    await vault.close();
    hub.requests.length = 0;
    const later = await newTab(context, site.url);
    expect(await generate(later, ask)).toMatchObject({ ...RIGHT, model: MODEL });
    expect(hub.requests).toEqual([WEIGHTS_PATH]);
  });
}

test("two tabs at once fetch each byte once", async ({ hub, site, context }) => {
  hub.faults = [{ bytesPerSecond: 1_000_000 }];
  const [one, other] = await Promise.all([newTab(context, site.url), newTab(context, site.url)]);
  const answers = await Promise.all([one, other].map((tab) => generate(tab, ask)));
  expect(answers).toMatchObject([RIGHT, RIGHT]);
  expect(hub.sentBytes.get(WEIGHTS_PATH)).toBe(SIZE);
  for (const [path, bytes] of hub.sentBytes) {
    expect(bytes, path).toBe(hub.files.get(path.replace(/^.*\/resolve\/main\//, ""))?.length);
  }
});

test("`model` switches: the embedded one, the catalogue's, any of the hub; all are listed", async ({ vault, hub }) => {
  const other = "someone/some-gpt2";
  expect(await generate(vault, { ...askDemo, model: "minivault-demo" })).toMatchObject(PARIS);
  expect((await health(vault)).loaded).toEqual(["minivault-demo"]);
  for (const model of [MODEL, other, MODEL]) {
    expect(await generate(vault, { ...ask, model })).toMatchObject({ ...RIGHT, model });
    expect(await health(vault)).toMatchObject({
      model,
      loaded: [model],
      self_check: { deviation: expect.any(Number) },
    });
  }
  expect(hub.sentBytes.get(WEIGHTS_PATH)).toBe(SIZE);
  const v1 = (await get(vault, "/v1/models")).data.map(({ id }: { id: string }) => id);
  const tags = (await get(vault, "/api/tags")).models.map(({ model }: { model: string }) =>
    model.replace(/:latest$/, ""),
  );
  for (const name of ["minivault-demo", MODEL, other]) {
    expect(v1).toContain(name);
    expect(tags).toContain(name);
  }
});

test("POST /api/pull streams progress; leaving pauses, asking again resumes; DELETE /api/delete frees", async ({
  vault,
  hub,
}) => {
  const model = "someone/another-gpt2";
  const path = `/${model}/resolve/main/${WEIGHTS}`;
  hub.faults = [{ on: /another-gpt2.*onnx$/, bytesPerSecond: 150_000, times: 1 }];
  const begun = await pull(vault, model, '"completed":[1-9]\\d{5}');
  expect(begun.status).toBe(200);
  await expect.poll(async () => (await stateOf(vault, model)).state).toBe("paused");
  const { loaded_bytes: kept } = await stateOf(vault, model);
  expect(kept).toBeGreaterThanOrEqual(100_000);
  expect(kept).toBeLessThan(SIZE);

  const { lines } = await pull(vault, model);
  expect(JSON.parse(lines.at(-1) ?? "")).toEqual({ status: "success" });
  expect(hub.log.findLast((request) => request.path === path && request.method === "GET")?.range).toMatch(
    /^bytes=\d+-$/,
  );
  expect(await stateOf(vault, model)).toMatchObject({ state: "stored" });

  const status = await vault.evaluate(
    async (model) => (await fetch("/api/delete", { method: "DELETE", body: JSON.stringify({ model }) })).status,
    model,
  );
  expect(status).toBe(200);
  expect(await stateOf(vault, model)).toBeUndefined();
  const left = await vault.evaluate(async () => {
    const names: string[] = [];
    const folders = [await navigator.storage.getDirectory()];
    for (const folder of folders) {
      for await (const [name, handle] of folder.entries()) {
        names.push(name);
        if (handle.kind === "directory") folders.push(handle as FileSystemDirectoryHandle);
      }
    }
    return names.join();
  });
  expect(left).not.toContain("another-gpt2");
});

test("a load is cancelled from the page, and goes on where it stopped when it is asked for again", async ({
  vault,
  hub,
}) => {
  const model = "someone/slow-gpt2";
  hub.faults = [{ on: /slow-gpt2.*onnx$/, stallAfter: 400_000, times: 1 }];
  expect(await generate(vault, ask)).toMatchObject(RIGHT);
  const answer = generate(vault, { ...ask, model });
  const cancel = vault.getByRole("button", { name: `Cancel ${model}` });
  await expect(vault.locator("engine-status")).toContainText(/\d+ kB of \d+ kB/);
  await cancel.click();
  expect(await answer).toMatchObject({ status: 503, type: expect.stringContaining("load-cancelled") });
  await expect(cancel).toBeHidden();
  expect(await generate(vault, { ...ask, model })).toMatchObject({ ...RIGHT, model });
  expect(hub.sentBytes.get(`/${model}/resolve/main/${WEIGHTS}`)).toBeLessThanOrEqual(SIZE * 1.01);
});

test.describe("without room for it", () => {
  /** Room for the page (some 300 kB) and its log, none for the model's weights beside them. */
  const limit = async (page: Page, site: { readonly url: string }) => {
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("Storage.overrideQuotaForOrigin", { origin: new URL(site.url).origin, quotaSize: 700_000 });
  };

  test("the embedded model answers for the default, and the page says why", async ({ page, site }) => {
    await limit(page, site);
    await visit(page, site.url);
    expect(await generate(page, askDemo)).toMatchObject(PARIS);
    await expect(page.getByText(/minivault-demo answers in place of distilgpt2/)).toBeVisible();
    await expect(page.locator("engine-status")).toContainText(/distilgpt2 needs .* Delete models that are not needed/);
    for (const _ of [1, 2]) {
      const refused = await generate(page, { ...ask, model: MODEL });
      expect(refused, refused.detail).toMatchObject({ status: 507, type: expect.stringContaining("storage-full") });
    }
  });

  test.describe("and asked for by its name", () => {
    test.use({ hubModel: "minivault-demo" });

    test("a model is refused with a status and a sentence", async ({ page, site }) => {
      await limit(page, site);
      await visit(page, site.url);
      const refused = await generate(page, { ...ask, model: MODEL });
      expect(refused, refused.detail).toMatchObject({ status: 507, type: expect.stringContaining("storage-full") });
      expect(refused.detail).toMatch(/distilgpt2 needs .* Delete models that are not needed/);
    });
  });
});

test("where nothing can be stored a model runs from memory, and it is said that it is not kept", async ({
  page,
  hub,
  site,
}) => {
  const proxy = await startProxy(site.url, {});
  await visit(page, `http://${INSECURE_HOST}:${proxy.port}/`);
  expect(await generate(page, ask)).toMatchObject({ ...RIGHT, model: MODEL });
  expect((await health(page)).models).toEqual({ kept: false, reason: expect.stringContaining("fetched again") });
  await page.locator("summary").filter({ hasText: "Models" }).click();
  await expect(page.locator("models-panel")).toContainText("models are fetched again at each visit");
  expect(hub.sentBytes.get(WEIGHTS_PATH)).toBe(SIZE);
  await proxy.close();
});

test("a model from the disk answers without the hub, and one that is damaged has to be brought again", async ({
  vault,
  hub,
  site,
  context,
}) => {
  const mine = "merged-decoder";
  await vault.locator("summary").filter({ hasText: "Models" }).click();
  await vault.locator("input[webkitdirectory]").setInputFiles(FOLDER);
  await expect(vault.getByRole("status").filter({ hasText: `${mine} was added.` })).toBeAttached();
  const requests = hub.requests.length;
  expect(await generate(vault, { ...ask, model: mine })).toMatchObject({ ...RIGHT, model: mine });
  expect(await stateOf(vault, mine)).toMatchObject({ source: "import", state: "stored" });
  expect(hub.requests.slice(requests).filter((path) => path.includes(mine))).toEqual([]);

  await hub.close();
  await vault.close();
  const later = await newTab(context, site.url);
  expect(await generate(later, { ...ask, model: mine })).toMatchObject({ ...RIGHT, model: mine });
  await later.evaluate(
    (model) => fetch("/api/generate", { method: "POST", body: JSON.stringify({ model, keep_alive: 0 }) }),
    mine,
  );
  await later.evaluate(async (mine) => {
    const folders = [{ folder: await navigator.storage.getDirectory(), isMine: false }];
    for (const { folder, isMine } of folders) {
      for await (const [name, handle] of folder.entries()) {
        const inMine = isMine || name.includes(mine);
        if (handle.kind === "directory") folders.push({ folder: handle as FileSystemDirectoryHandle, isMine: inMine });
        else if (isMine && (await (handle as FileSystemFileHandle).getFile()).size > 100_000)
          await folder.removeEntry(name);
      }
    }
  }, mine);
  await later.close();
  const last = await newTab(context, site.url);
  const refused = await generate(last, { ...ask, model: mine });
  expect(refused).toMatchObject({ status: 500, type: expect.stringContaining("model-broken") });
  expect(refused.detail).toMatch(/bring it again/);
});

test.describe("at a site that limits its models", () => {
  test.use({
    env: async ({ hub }, use) =>
      use({
        MINIVAULT_HUB: hub.url,
        MINIVAULT_MODEL: "minivault-demo",
        MINIVAULT_MODELS: JSON.stringify([{ name: MODEL, repo: "Xenova/distilgpt2", revision: "main" }]),
        MINIVAULT_MAX_DOWNLOAD_BYTES: "500000",
        MINIVAULT_HUB_IDS: "false",
      }),
  });

  test("what is larger is refused before it is fetched, and unknown ids are not looked for", async ({ vault, hub }) => {
    const refused = await generate(vault, { ...ask, model: MODEL });
    expect(refused).toMatchObject({ status: 422, type: expect.stringContaining("model-too-large") });
    expect(refused.detail).toBe(
      "distilgpt2 has 0.9 MB to download, and this site allows 0.5 MB a model. Use a smaller one.",
    );
    expect(await pull(vault, MODEL)).toMatchObject({ status: 422 });
    expect(sent(hub)).toBe(0);
    const requests = hub.requests.length;
    expect(await generate(vault, { ...ask, model: "someone/some-gpt2" })).toMatchObject({ status: 404 });
    expect(hub.requests.length).toBe(requests);
  });
});

test("a model in the site's own folder comes from there, not from the hub", async ({ page, hub, env }) => {
  const folder = copyOfSite(() => null);
  const models = join(folder, "models");
  cpSync(FOLDER, join(models, "Xenova/distilgpt2"), { recursive: true });
  rmSync(join(models, "index.json"), { force: true }); // it is a link to the built one
  writeFileSync(join(models, "index.json"), JSON.stringify(await indexModels(models)));
  const site = await serveSite({ folder, port: 0, env: { ...env, MINIVAULT_DTYPE: "fp32" } });
  await visit(page, site.url);
  expect(await generate(page, ask)).toMatchObject({ ...RIGHT, model: MODEL });
  expect(await stateOf(page, MODEL)).toMatchObject({ source: "site", state: "stored" });
  expect(hub.requests).toEqual([]);
  await site.close();
  rmSync(folder, { recursive: true });
});
