import { asVaultError, VaultError } from "./errors.ts";
import { fromGenerator } from "./from-generator.ts";
import { findModel } from "./models.ts";
import type { Engine, ListedModel } from "./protocol.ts";

/** How often it is asked how far a download is: the engine may move to another page meanwhile. */
const ASK_MS = 250;

export interface Pulls {
  /**
   * A download as it goes on, until all is there; errors with what it failed with. Whoever cancels before the end pauses
   * it, unless others wait for it too.
   */
  watch(model: string): ReadableStream<ListedModel>;
}

export function createPulls(engine: Engine): Pulls {
  const watchers = new Map<string, number>();
  const count = (name: string, change: 1 | -1) => watchers.set(name, (watchers.get(name) ?? 0) + change);

  async function* steps(model: string): AsyncGenerator<ListedModel, void> {
    await engine.pull(model);
    const { name } = await findModel(engine, model);
    count(name, 1);
    let isLeft = true;
    try {
      for (;;) {
        const { listed } = await findModel(engine, name);
        isLeft = false;
        const { files } = listed;
        if (files.state === "failed") throw VaultError.fromWire(files.error);
        if (files.state === "paused") throw paused(name);
        if (files.state === "remote") await engine.pull(name); // another page's engine has not heard of it
        isLeft = files.state !== "stored";
        yield listed;
        if (!isLeft) return;
        await new Promise((resolve) => setTimeout(resolve, ASK_MS));
      }
    } catch (cause) {
      isLeft = false;
      throw asVaultError(cause);
    } finally {
      count(name, -1);
      if (isLeft && watchers.get(name) === 0) await engine.pause(name);
    }
  }

  return { watch: (model) => fromGenerator(steps(model)) };
}

const paused = (name: string) =>
  new VaultError("load-cancelled", `The download of ${name} was paused. Ask again to go on where it stopped.`);
