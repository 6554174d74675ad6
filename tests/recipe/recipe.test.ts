import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newRequest } from "../../core/generate-request.ts";
import { generate } from "../../engine/generate.ts";
import type { LanguageModel } from "../../engine/model.ts";
import { tokenise } from "../../engine/prompt.ts";
import { checkContinued } from "../contract/continued-property.ts";
import { findPython } from "../find-python.ts";
import type { GreedyCase } from "../fixtures/expected-greedy.ts";
import { modelInFolder } from "./model-in-folder.ts";

const recipe = (script: string) => fileURLToPath(new URL(`../../tools/demo-model/${script}`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "minivault-recipe-"));
const made = join(folder, "minivault-demo");
const shipped = fileURLToPath(new URL("../../public/models/minivault-demo", import.meta.url));
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

function expectedOf(model: string): GreedyCase[] {
  return (JSON.parse(readFileSync(join(model, "expected-greedy.json"), "utf8")) as { cases: GreedyCase[] }).cases;
}

async function answerOf(model: LanguageModel, prompt: string, maxNewTokens: number) {
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
  const cases = expectedOf(made);
  const model = await modelInFolder(made);
  expect(cases.length).toBeGreaterThan(10);
  for (const { prompt, prompt_ids, ids, text, finish_reason } of cases) {
    expect((await tokenise(model, { type: "text", text: prompt })).tokenIds).toEqual(prompt_ids);
    expect(await answerOf(model, prompt, 64)).toEqual({ ids, text, finish_reason });
  }
});

test("the shipped model says in PyTorch what its expected outputs say", () => {
  const { stdout, stderr } = run("evaluate.py", shipped);
  expect(stderr).toBe("");
  expect(stdout).toContain("all 13 greedy cases as expected");
});

test("the shipped model in 8 bits still knows what it is surest of, and an answer of it goes on as it would have", async () => {
  const small = join(folder, "small");
  cpSync(shipped, small, { recursive: true });
  expect(run("quantise.py", join(small, "onnx/model.onnx"), join(small, "onnx/model_quantized.onnx")).status).toBe(0);
  const model = await modelInFolder(small, "model_quantized.onnx");
  const [capital, clock] = expectedOf(shipped);
  for (const { prompt, text } of [capital!, clock!]) expect((await answerOf(model, prompt, 64)).text).toBe(text);
  await checkContinued(model, 40); // integers are scaled by all that is computed at once
});

test("a model of random weights can be loaded at both precisions", async () => {
  const random = join(folder, "random");
  expect(run("export.py", random, "--random", "smoke").status).toBe(0);
  for (const file of ["model.onnx", "model_quantized.onnx"]) {
    const model = await modelInFolder(random, file);
    expect((await answerOf(model, "Hello", 4)).ids).toHaveLength(4);
  }
});

test("a missing source is named, with the way to get it", () => {
  const { status, stderr } = run("corpus.py", join(folder, "corpus.txt"), "--sources", join(folder, "nowhere"));
  expect(status).toBe(1);
  expect(stderr).toContain("sentencepiece/TinyStories-1000.txt");
  expect(stderr).toContain("fetch.sh");
});
