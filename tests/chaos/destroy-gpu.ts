import type { Page } from "puppeteer-core";

/** A worker that computes answers when it comes to it; one that is ended, never. */
const ANSWER_MS = 3_000;

interface GpuRealm {
  devices?: Array<{ destroy(): void }>;
  readonly GPUAdapter?: {
    readonly prototype: { requestDevice(...args: unknown[]): Promise<{ destroy(): void }> };
  };
}

/** Makes a page's workers remember their GPU devices: they ask for one only once they load a model. */
export function rememberGpus(page: Page): void {
  page.on("workercreated", (worker) => {
    const patched = worker.evaluate(() => {
      const realm = globalThis as unknown as GpuRealm;
      const adapter = realm.GPUAdapter?.prototype;
      if (!adapter) return;
      const { requestDevice } = adapter;
      adapter.requestDevice = async function (...args) {
        const device = await requestDevice.apply(this, args);
        realm.devices = [...(realm.devices ?? []), device];
        return device;
      };
    });
    patched.catch(() => {}); // it is gone
  });
}

/** Destroys the GPU devices of a page's workers, as a driver that crashes does. Returns how many there were. */
export async function destroyGpus(page: Page): Promise<number> {
  const counts = await Promise.all(
    page.workers().map((worker) => {
      const destroyed = worker.evaluate(() => {
        const devices = (globalThis as unknown as GpuRealm).devices?.splice(0) ?? [];
        for (const device of devices) device.destroy();
        return devices.length;
      });
      return Promise.race([
        destroyed.catch(() => 0), // the worker is gone
        new Promise<number>((resolve) => setTimeout(resolve, ANSWER_MS, 0)),
      ]);
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}
