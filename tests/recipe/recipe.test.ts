import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newRequest } from "../../core/generate-request.ts";
import { generate } from "../../engine/generate.ts";
import type { LanguageModel } from "../../engine/model.ts";
import { tokenise } from "../../engine/prompt.ts";
import { findPython } from "../find-python.ts";
import type { GreedyCase } from "../fixtures/expected-greedy.ts";
import { modelInFolder } from "./model-in-folder.ts";

const recipe = (script: string) => fileURLToPath(new URL(`../../tools/demo-model/${script}`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "minivault-recipe-"));
const made = join(folder, "minivault-demo");
let python = "";

function run(script: string, ...args: string[]) {
  const env = { ...process.env, OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1", PYTHONDONTWRITEBYTECODE: "1" };
  return spawnSync(python, [recipe(script), ...args], { encoding: "utf8", env });
}

beforeAll(() => {
  python = findPython();
  const { status, stdout, stderr } = run("make.py", folder, "--smoke");
  if (status !== 0) throw new Error(`make.py failed\n${stdout}\n${stderr}`);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function continued(model: LanguageModel, prompt: string, maxNewTokens: number) {
  const ids: number[] = [];
  let text = "";
  let finishReason = "";
  const request = newRequest({ type: "text", text: prompt }, { maxNewTokens, sampling: { temperature: 0 } });
  for await (const event of generate(model, request)) {
    if (event.type === "token") ids.push(event.tokenId);
    if (event.type === "token" || event.type === "done") text += event.text;
    if (event.type === "done") finishReason = event.finishReason;
  }
  return { ids, text, finish_reason: finishReason };
}

test("a model made from a corpus says in our engine what it says in PyTorch", async () => {
  const { cases } = JSON.parse(readFileSync(join(made, "expected-greedy.json"), "utf8")) as { cases: GreedyCase[] };
  const model = await modelInFolder(made);
  expect(cases.length).toBeGreaterThan(10);
  for (const { prompt, prompt_ids, ids, text, finish_reason } of cases) {
    expect(tokenise(model, { type: "text", text: prompt }).tokenIds).toEqual(prompt_ids);
    expect(await continued(model, prompt, 64)).toEqual({ ids, text, finish_reason });
  }
});

test("the shipped model says in PyTorch what its expected outputs say", () => {
  const shipped = fileURLToPath(new URL("../../public/models/minivault-demo", import.meta.url));
  const { stdout, stderr } = run("evaluate.py", shipped);
  expect(stderr).toBe("");
  expect(stdout).toContain("all 13 greedy cases as expected");
});

test("a missing source is named, with the way to get it", () => {
  const { status, stderr } = run("corpus.py", join(folder, "corpus.txt"), "--sources", join(folder, "nowhere"));
  expect(status).toBe(1);
  expect(stderr).toContain("sentencepiece/TinyStories-1000.txt");
  expect(stderr).toContain("fetch.sh");
});
