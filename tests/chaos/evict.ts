import type { Page } from "puppeteer-core";

/** The last two leave something of the same name behind. */
export const EVICTIONS = ["remove the model", "remove a file", "cut a file short", "change a byte"] as const;

/**
 * Takes from, or spoils, what is stored of a model, behind the app's back: see `models/opfs-store.ts` for the layout.
 * False if nothing of it is there, or it is being written to.
 */
export const evict = (page: Page, model: string, how: (typeof EVICTIONS)[number], random: number): Promise<boolean> =>
  page.evaluate(
    async (model, how, random) => {
      try {
        const models = await (await navigator.storage.getDirectory()).getDirectoryHandle("minivault-models");
        const files = await (await models.getDirectoryHandle(model)).getDirectoryHandle("files");
        const names: string[] = [];
        for await (const name of files.keys()) names.push(name);
        const name = names.sort()[Math.floor(random * names.length)];
        if (name === undefined) return false;
        if (how === "remove the model") await models.removeEntry(model, { recursive: true });
        else if (how === "remove a file") await files.removeEntry(name);
        else {
          const handle = await files.getFileHandle(name);
          const file = await handle.getFile();
          const at = Math.floor(file.size / 2);
          const byte = new Uint8Array(await file.slice(at, at + 1).arrayBuffer())[0] ?? 0;
          const stream = await handle.createWritable({ keepExistingData: true });
          if (how === "cut a file short") await stream.truncate(at);
          else await stream.write({ type: "write", position: at, data: Uint8Array.of(byte ^ 1) });
          await stream.close();
        }
        return true;
      } catch {
        return false;
      }
    },
    model,
    how,
    random,
  );
