import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill();
});

/** What the README's first command does after `npm ci`; resolves with the first line that matches, or at its exit. */
async function start(env: Record<string, string>, line: RegExp): Promise<{ output: string; code: number | null }> {
  const child = spawn(process.execPath, ["--import", "tsx", "cli/start.ts"], {
    cwd: ROOT,
    env: { ...process.env, ...env },
  });
  started.push(child);
  let output = "";
  const seen = new Promise<void>((resolve) => {
    const read = (chunk: Buffer) => {
      output += chunk;
      if (line.test(output)) resolve();
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
  });
  await Promise.race([seen, once(child, "close")]);
  return { output, code: child.exitCode };
}

test("it prints its URL, and the environment reaches the page", { timeout: 60_000 }, async () => {
  const env = { PORT: "0", MINIVAULT_HUB: "http://localhost:9", MINIVAULT_MODEL: "someone/some-gpt2" };
  const { output } = await start(env, /http:\/\/localhost:\d+\//);
  const url = /http:\/\/localhost:\d+\//.exec(output)?.[0] ?? "";
  const config = await fetch(`${url}minivault.config.json`);
  expect(await config.json()).toMatchObject({ hub: "http://localhost:9", model: "someone/some-gpt2", device: "auto" });
  const page = await fetch(url);
  expect(page.headers.get("cross-origin-opener-policy")).toBe("same-origin");
  expect(await page.text()).toContain("<vault-app>");
  for (const path of ["", "docs", "sw.js"]) {
    expect((await fetch(url + path)).headers.get("cache-control"), path).toBe("no-cache");
  }
  expect((await fetch(`${url}nothing`)).status).toBe(404);

  // The same port again: taken, and said so.
  const second = await start({ ...env, PORT: new URL(url).port }, /never/);
  expect(second.output).toMatch(/in use/);
});

test("a variable that is wrong is named, and nothing is started", { timeout: 60_000 }, async () => {
  expect((await start({ MINIVAULT_DEVICE: "abacus" }, /never/)).output).toMatch(/MINIVAULT_DEVICE is wrong/);
  expect(await start({ PORT: "eighty" }, /never/)).toMatchObject({
    output: expect.stringContaining("PORT is eighty"),
    code: 1,
  });
});
