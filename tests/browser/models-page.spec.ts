import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type * as Axe from "axe-core";
import type { Page } from "playwright/test";
import { type EngineStatus, type Loading, STATUS_CHANNEL } from "../../core/protocol.ts";
import { LIBRARY_CHANNEL, type LibraryScript } from "../fixtures/fake-text.ts";
import { expect, test, visit } from "./harness.ts";

test.use({ fakeEngine: true });

const MB = 1e6;
const FOLDER = fileURLToPath(new URL("../fixtures/merged-decoder", import.meta.url));

/** What has become of a model's files, as the engine would tell. Who has listed its models listens. */
async function tell(page: Page, script: LibraryScript): Promise<void> {
  await expect(picker(page).getByRole("option", { name: "distilgpt2" })).toBeAttached();
  await page.evaluate(
    ([name, script]) => {
      const channel = new BroadcastChannel(name);
      channel.postMessage(script);
      channel.close();
    },
    [LIBRARY_CHANNEL, script] as const,
  );
}

/** As if another model were on its way while this one answers. */
const tellLoading = (page: Page, loading: Loading | null) =>
  page.evaluate(
    ([name, loading]) =>
      new Promise<void>((resolve) => {
        const channel = new BroadcastChannel(name);
        channel.addEventListener("message", ({ data }: MessageEvent<{ type: string; status: EngineStatus }>) => {
          if (data.type !== "status" || data.status.state !== "ready") return;
          channel.postMessage({ type: "status", status: { ...data.status, loading } });
          channel.close();
          resolve();
        });
        channel.postMessage({ type: "ask-status" });
      }),
    [STATUS_CHANNEL, loading] as const,
  );

const downloading = (name: string, loadedBytes: number, bytesPerSecond = 0): LibraryScript => ({
  name,
  files: { state: "downloading", loadedBytes, totalBytes: 85 * MB, bytesPerSecond, retrying: null },
});

async function openModels(page: Page) {
  await page.locator("summary").filter({ hasText: "Models" }).click();
  await expect(button(page, "Download distilgpt2")).toBeVisible();
}

const picker = (page: Page) => page.getByLabel("Model", { exact: true });
const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const row = (page: Page, name: string) =>
  page.locator("model-row").filter({ has: page.locator(".name").getByText(name, { exact: true }) });

test("a model is downloaded, paused, resumed and deleted, and says how far it is", async ({ vault }) => {
  await openModels(vault);
  const model = row(vault, "distilgpt2");
  for (const fact of ["82M parameters", "1,024 tokens of context", "85 MB", "Apache-2.0"]) {
    await expect(model).toContainText(fact);
  }
  await button(vault, "Download distilgpt2").click();
  await expect(model).toContainText("0 kB of 85 MB"); // what is told before the engine has begun would be undone
  await tell(vault, downloading("distilgpt2", 40 * MB, 2.1 * MB));
  await expect(model).toContainText("40 MB of 85 MB · 2.1 MB/s · 25 s left");
  await expect(vault.locator("summary").filter({ hasText: "Models" })).toContainText("1 here · 1 downloading");
  await button(vault, "Pause distilgpt2").click();
  await expect(model).toContainText("40 MB of 85 MB · paused");
  await expect(vault.locator("models-panel")).toContainText("Models take 40 MB of your disk.");
  await button(vault, "Resume distilgpt2").click();
  await expect(button(vault, "Pause distilgpt2")).toBeVisible();
  await tell(vault, { name: "distilgpt2", files: { state: "stored" } });
  await expect(model).toContainText("Downloaded");
  await button(vault, "Delete distilgpt2").click();
  await model.getByRole("button", { name: "Delete" }).click();
  await expect(button(vault, "Download distilgpt2")).toBeVisible();
});

test("the keyboard is enough: deleting asks first, Escape keeps, and the focus is never lost", async ({ vault }) => {
  await vault.locator("summary").filter({ hasText: "Models" }).focus();
  await vault.keyboard.press("Enter");
  await tell(vault, { name: "gpt2", files: { state: "stored" }, more: { sizeBytes: 128 * MB } });
  await button(vault, "Delete gpt2").focus();
  await vault.keyboard.press("Enter");
  await expect(vault.getByRole("group", { name: "Delete gpt2?" })).toContainText("Delete 128 MB?");
  await expect(button(vault, "Keep")).toBeFocused();
  await vault.keyboard.press("Escape");
  await expect(button(vault, "Delete gpt2")).toBeFocused();
  await vault.keyboard.press("Enter");
  await vault.keyboard.press("Tab");
  await vault.keyboard.press("Enter");
  await expect(row(vault, "gpt2")).toBeHidden();
  await expect(vault.locator("models-panel .stored")).toBeFocused();
  await expect(vault.getByRole("status").filter({ hasText: "gpt2 was deleted." })).toBeAttached();
});

test("what goes wrong is said where it happened, with what to do", async ({ vault }) => {
  await openModels(vault);
  const error = { code: "model-unavailable", detail: "The hub cannot be reached. Try again." } as const;
  await tell(vault, { name: "distilgpt2", files: { state: "failed", loadedBytes: 0, totalBytes: 0, error } });
  await expect(row(vault, "distilgpt2")).toContainText("The hub cannot be reached. Try again.");
  await expect(button(vault, "Try again distilgpt2")).toBeEnabled();
  const still = { ...downloading("distilgpt2", 12 * MB).files, retrying: "Nothing comes. It is tried again." };
  await tell(vault, { name: "distilgpt2", files: still as LibraryScript["files"] });
  await expect(row(vault, "distilgpt2")).toContainText("Nothing comes. It is tried again.");
});

test("any model of the hub is added by its id, or by its address", async ({ vault }) => {
  await openModels(vault);
  const field = vault.getByLabel("Add from the hub");
  await field.fill("gpt2");
  await field.press("Enter");
  await expect(vault.getByRole("alert")).toContainText("owner/name");
  await field.fill("https://hub.example/someone/their-model/tree/main");
  await field.press("Enter");
  await expect(row(vault, "someone/their-model")).toBeVisible();
  await expect(field).toHaveValue("");
});

test("the model that was chosen is asked, also after a reload; by default none is named", async ({
  vault,
  context,
}) => {
  const asked: unknown[] = [];
  context.on("request", (request) => {
    if (request.url().endsWith("/generate/stream") && request.method() === "POST")
      asked.push(request.postDataJSON().model);
  });
  const generate = async () => {
    await button(vault, "Generate").click();
    await expect(vault.getByRole("region", { name: "Answer" })).toContainText("128 tokens");
  };
  await generate();
  await expect(picker(vault).locator("optgroup")).toHaveCount(2);
  await picker(vault).selectOption({ label: "distilgpt2 · 82M · 85 MB" });
  await generate();
  await visit(vault, vault.url());
  await expect(picker(vault)).toHaveValue("distilgpt2");
  await generate();
  expect([...new Set(asked)]).toEqual([undefined, "distilgpt2"]);
});

test("a chosen model that is deleted for good is not asked any more", async ({ vault }) => {
  await tell(vault, { name: "someone/theirs", files: { state: "stored" } });
  await picker(vault).selectOption("someone/theirs");
  await openModels(vault);
  await button(vault, "Delete someone/theirs").click();
  await row(vault, "someone/theirs").getByRole("button", { name: "Delete" }).click();
  await expect(picker(vault)).toHaveValue("");
});

test("a model on its way shows how far it is beside the one that answers, and can be cancelled", async ({ vault }) => {
  await tell(vault, downloading("distilgpt2", 40 * MB, 2.1 * MB));
  await tellLoading(vault, { model: "distilgpt2", phase: "downloading", loadedBytes: 40 * MB, totalBytes: 85 * MB });
  const status = vault.locator("engine-status");
  await expect(status).toContainText("fake · CPU");
  await expect(status).toContainText("Downloading distilgpt2");
  await expect(status).toContainText("40 MB of 85 MB · 2.1 MB/s · 25 s left");
  await tellLoading(vault, { model: "distilgpt2", phase: "starting", loadedBytes: 85 * MB, totalBytes: 85 * MB });
  await expect(status).toContainText("Starting distilgpt2 …");
  const asked = vault.waitForRequest(/\/api\/generate$/);
  await button(vault, "Cancel distilgpt2").click();
  expect((await asked).postDataJSON()).toMatchObject({ model: "distilgpt2", keep_alive: 0 });
});

test("what is loaded says where, and is unloaded", async ({ vault }) => {
  await openModels(vault);
  await expect(row(vault, "fake")).toContainText("Loaded on CPU");
  await button(vault, "Unload fake").click();
  await expect(row(vault, "fake")).not.toContainText("Loaded on CPU");
  await expect(row(vault, "fake")).toContainText("In the app");
});

test("hostile names stay text", async ({ vault }) => {
  await openModels(vault);
  const hostile = "<img src=x onerror=\"document.title = 'owned'\">";
  await tell(vault, { name: hostile, files: { state: "stored" }, more: { licence: hostile, source: "import" } });
  await expect(row(vault, hostile)).toBeVisible();
  expect(await vault.locator("img[src=x]").count()).toBe(0);
  expect(await vault.title()).toBe("MiniVault");
});

/** Names in the store, as the origin's private file system has them. */
const stored = (page: Page) =>
  page.evaluate(async () => {
    const names: string[] = [];
    const folders = [await navigator.storage.getDirectory()];
    for (let folder = folders.pop(); folder; folder = folders.pop()) {
      for await (const [name, handle] of folder as unknown as AsyncIterable<[string, FileSystemHandle]>) {
        names.push(name);
        if (handle.kind === "directory") folders.push(handle as FileSystemDirectoryHandle);
      }
    }
    return names.join("\n");
  });

test("a folder from the disk is checked and stored", async ({ vault }) => {
  await openModels(vault);
  await vault.locator("input[webkitdirectory]").setInputFiles(FOLDER);
  await expect(vault.getByRole("status").filter({ hasText: "merged-decoder was added." })).toBeAttached();
  expect(await stored(vault)).toContain("decoder_model_merged");
});

test("files that are dropped on the page open the list, and all that is wrong with them is said", async ({ vault }) => {
  await vault.evaluate(() => {
    const data = new DataTransfer();
    data.items.add(new File(['{"architectures":["T5ForConditionalGeneration"]}'], "config.json"));
    data.items.add(new File(["not weights"], "model.onnx"));
    document.body.dispatchEvent(new DragEvent("dragover", { dataTransfer: data, bubbles: true, cancelable: true }));
    document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
  });
  const alert = vault.getByRole("alert");
  await expect(alert).toContainText("T5ForConditionalGeneration");
  await expect(alert).toContainText("tokenizer.json is missing");
  await expect(alert).toContainText("model.onnx is no ONNX model");
  await button(vault, "Close").click();
  await expect(alert).toBeHidden();
});

declare const axe: typeof Axe;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const LONG = `someone/${"a-name-that-fits-into-no-line-".repeat(3)}`;

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [390, 1280]) {
    test.describe(`${width} px wide, ${colorScheme}`, () => {
      test.use({ colorScheme, viewport: { width, height: 844 } });

      test("every state fits, and nothing stands in the way of assistive technology", async ({ vault }) => {
        await openModels(vault);
        await tell(vault, downloading("distilgpt2", 40 * MB, 2.1 * MB));
        const error = { code: "model-unavailable", detail: "The hub cannot be reached. Try again." } as const;
        await tell(vault, { name: LONG, files: { state: "failed", loadedBytes: MB, totalBytes: 9 * MB, error } });
        await tell(vault, { name: "gpt2", files: { state: "paused", loadedBytes: 9 * MB, totalBytes: 128 * MB } });
        await tell(vault, { name: "mine", files: { state: "stored" }, more: { source: "import" } });
        await button(vault, "Delete mine").click();
        await tellLoading(vault, { model: LONG, phase: "downloading", loadedBytes: MB, totalBytes: 9 * MB });
        await vault.locator("input[webkitdirectory]").setInputFiles(`${FOLDER}/onnx`);
        await expect(vault.getByRole("alert")).toContainText("no config.json");
        expect(await vault.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
        await vault.evaluate(AXE);
        const { violations } = await vault.evaluate(() => axe.run());
        expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target)}`)).toEqual([]);
      });
    });
  }
}
