import { createHash } from "node:crypto";
import { test as base, expect, type Page } from "playwright/test";
import type {} from "../fixtures/downloads-page/page.ts";
import { type Hub, someBytes, startHub } from "../fixtures/hub.ts";
import { servePlainly } from "../fixtures/plain-host.ts";
import { bundlePath } from "./bundle.ts";

const SIZE = 4_000_000;
const WEIGHTS = "onnx/model.onnx";
const PATH = `/owner/name/resolve/main/${WEIGHTS}`;
const FILES = new Map([
  ["config.json", Buffer.from("{}")],
  ["tokenizer.json", someBytes(5_000)],
  [WEIGHTS, someBytes(SIZE)],
]);

const test = base.extend<{ hub: Hub; tab: () => Promise<Page> }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures that are needed from this pattern
  hub: async ({}, use) => {
    const hub = await startHub(0, new Map(FILES));
    await use(hub);
    await hub.close();
  },
  tab: async ({ context, hub }, use) => {
    const site = await servePlainly(bundlePath("downloads-page"));
    await use(async () => {
      const page = await context.newPage();
      await page.goto(`${site.url}?hub=${encodeURIComponent(hub.url)}`);
      return page;
    });
    await site.close();
  },
});

/** Every file of the model; the code that it ends with, or `here`. */
const fetchAll = (page: Page): Promise<string> =>
  page.evaluate(async () => {
    try {
      const manifest = await window.library.describe("owner/name");
      const paths = manifest.files.map(({ path }) => path);
      await window.library.fetch(manifest, paths, {});
      return "here";
    } catch (error) {
      return (error as { code?: string }).code ?? String(error);
    }
  });

/** Whether the weights that are read are those of the hub. */
const weightsAreRight = async (page: Page): Promise<boolean> => {
  const hash = await page.evaluate(async (path) => {
    const manifest = await window.library.describe("owner/name");
    const bytes = (await window.library.read(manifest, path)) ?? new ArrayBuffer(0);
    return [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))];
  }, WEIGHTS);
  const wanted = createHash("sha256")
    .update(FILES.get(WEIGHTS) ?? "")
    .digest();
  return wanted.equals(Buffer.from(hash));
};

const state = (page: Page) =>
  page.evaluate(async () => (await window.library.list()).find(({ name }) => name === "owner/name")?.files);

const sent = (hub: Hub): number => hub.sentBytes.get(PATH) ?? 0;

/** To the stored weights, behind the library's back. */
const tamper = (page: Page, how: "change a byte" | "evict") =>
  page.evaluate(
    async ([how, size]) => {
      const folders = [await navigator.storage.getDirectory()];
      for (const folder of folders) {
        for await (const [name, handle] of folder.entries()) {
          if (handle.kind === "directory") folders.push(handle as FileSystemDirectoryHandle);
          else if ((await (handle as FileSystemFileHandle).getFile()).size === size) {
            if (how === "evict") return folder.removeEntry(name);
            const stream = await (handle as FileSystemFileHandle).createWritable({ keepExistingData: true });
            await stream.write({ type: "write", position: 1_234_567, data: new Uint8Array([1, 2, 3, 4]) });
            return stream.close();
          }
        }
      }
      throw new Error("There are no weights in the file system.");
    },
    [how, SIZE] as const,
  );

/** Breaks the transfer that stalls, once all that came of it was read: what was not is sent again. */
async function cut(page: Page, hub: Hub, atBytes: number): Promise<void> {
  await expect.poll(() => state(page)).toMatchObject({ state: "downloading", loadedBytes: atBytes + 5_002 });
  hub.breakAll();
}

test("cut three times and left in the middle: the next visit goes on", async ({ hub, tab }) => {
  hub.faults = [{ stallAfter: 0.2 * SIZE, times: 4 }];
  const page = await tab();
  void fetchAll(page).catch(() => {}); // the page goes away
  await cut(page, hub, 0.2 * SIZE);
  await cut(page, hub, 0.4 * SIZE);
  await expect.poll(() => sent(hub)).toBe(0.6 * SIZE);
  await expect.poll(() => state(page)).toMatchObject({ state: "downloading", loadedBytes: 0.6 * SIZE + 5_002 });
  await page.reload();
  expect(await state(page)).toMatchObject({ state: "paused", totalBytes: SIZE + 5_002 });
  const ended = fetchAll(page);
  await cut(page, hub, 0.8 * SIZE);
  expect(await ended).toBe("here");
  expect(await state(page)).toEqual({ state: "stored" });
  expect(await weightsAreRight(page)).toBe(true);
  expect(sent(hub)).toBeLessThanOrEqual(1.01 * SIZE);
});

test("a second visit asks for nothing", async ({ hub, tab }) => {
  const page = await tab();
  expect(await fetchAll(page)).toBe("here");
  await page.reload();
  await hub.close();
  expect(await fetchAll(page)).toBe("here");
  expect(await weightsAreRight(page)).toBe(true);
});

test("two tabs at once fetch each byte once", async ({ hub, tab }) => {
  hub.faults = [{ bytesPerSecond: 4_000_000 }];
  const [one, other] = [await tab(), await tab()];
  expect(await Promise.all([fetchAll(one), fetchAll(other)])).toEqual(["here", "here"]);
  expect(await weightsAreRight(one)).toBe(true);
  expect(await weightsAreRight(other)).toBe(true);
  expect(sent(hub)).toBe(SIZE);
});

test("a tab that is closed in the middle leaves the rest to the other", async ({ hub, tab }) => {
  hub.faults = [{ stallAfter: 0.5 * SIZE, times: 1 }];
  const [one, other] = [await tab(), await tab()];
  void fetchAll(one).catch(() => {});
  await expect.poll(() => state(one)).toMatchObject({ loadedBytes: 0.5 * SIZE + 5_002 });
  const rest = fetchAll(other);
  await one.close();
  expect(await rest).toBe("here");
  expect(await weightsAreRight(other)).toBe(true);
  expect(sent(hub)).toBeLessThanOrEqual(1.01 * SIZE);
});

for (const how of ["change a byte", "evict"] as const) {
  test(`stored weights healed, and they alone fetched (${how})`, async ({ hub, tab }) => {
    const page = await tab();
    expect(await fetchAll(page)).toBe("here");
    await page.close();
    const later = await tab();
    await tamper(later, how);
    hub.requests.length = 0;
    expect(await weightsAreRight(later)).toBe(true);
    expect(hub.requests).toEqual([PATH]);
    expect(await state(later)).toEqual({ state: "stored" });
  });
}

test("stored weights are healed that were changed after they had been read", async ({ hub, tab }) => {
  const page = await tab();
  expect(await fetchAll(page)).toBe("here");
  expect(await weightsAreRight(page)).toBe(true);
  await tamper(page, "change a byte");
  hub.requests.length = 0;
  expect(await weightsAreRight(page)).toBe(true);
  expect(hub.requests).toEqual([PATH]);
});

test("an origin that refuses `If-Range` is asked without it", async ({ hub, tab }) => {
  hub.faults = [{ stallAfter: 0.6 * SIZE, times: 1 }, { noPreflight: true }];
  const page = await tab();
  const ended = fetchAll(page);
  await cut(page, hub, 0.6 * SIZE);
  expect(await ended).toBe("here");
  expect(await weightsAreRight(page)).toBe(true);
  const asked = hub.log.filter(({ path }) => path === PATH).map(({ method, range }) => [method, range !== null]);
  expect(asked).toEqual([
    ["GET", false],
    ["OPTIONS", false],
    ["GET", true],
  ]);
  expect(sent(hub)).toBeLessThanOrEqual(1.01 * SIZE);
});

test("a download that is paused keeps its part", async ({ hub, tab }) => {
  hub.faults = [{ stallAfter: 0.5 * SIZE, times: 1 }];
  const page = await tab();
  const ended = fetchAll(page);
  await expect.poll(() => state(page)).toMatchObject({ loadedBytes: 0.5 * SIZE + 5_002 });
  await page.evaluate(() => window.library.pause("owner/name"));
  expect(await ended).toBe("load-cancelled");
  expect(await state(page)).toMatchObject({ state: "paused", loadedBytes: 0.5 * SIZE + 5_002 });
  expect(await fetchAll(page)).toBe("here");
  expect(sent(hub)).toBe(SIZE);
});
