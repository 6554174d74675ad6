import type { CDPSession, Page } from "puppeteer-core";

/** A worker that computes answers when it comes to it; one that is ended, never. */
const ANSWER_MS = 3_000;

/**
 * Destroys the GPU devices of a page's workers, as a driver that crashes does: the debugger finds them, so the app needs
 * nothing for it. Returns how many there were.
 */
export async function destroyGpu(page: Page): Promise<number> {
  const counts = await Promise.all(
    page.workers().map(({ client }) =>
      Promise.race([
        destroyIn(client).catch(() => 0), // the worker is gone
        new Promise<number>((resolve) => setTimeout(resolve, ANSWER_MS, 0)),
      ]),
    ),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

async function destroyIn(client: CDPSession): Promise<number> {
  const { result: prototype } = await client.send("Runtime.evaluate", {
    expression: "globalThis.GPUDevice?.prototype",
  });
  if (!prototype.objectId) return 0;
  const { objects } = await client.send("Runtime.queryObjects", { prototypeObjectId: prototype.objectId });
  if (!objects.objectId) return 0;
  const { result: count } = await client.send("Runtime.callFunctionOn", {
    objectId: objects.objectId,
    functionDeclaration: "function () { for (const device of this) device.destroy(); return this.length; }",
    returnByValue: true,
  });
  return Number(count.value);
}
