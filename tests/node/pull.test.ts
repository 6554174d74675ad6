import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Hub, someBytes, startHub } from "../fixtures/hub.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const Q8 = "onnx/model_quantized.onnx";
const FP16 = "onnx/model_fp16.onnx";

let hub: Hub;
let folder: string;
const started: ChildProcess[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "minivault-"));
  const small = ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"];
  hub = await startHub(
    0,
    new Map([
      ...small.map((name) => [name, someBytes(500)] as const),
      ["README.md", someBytes(100)],
      ["onnx/model.onnx", someBytes(900_000, 2)],
      [Q8, someBytes(1_000_000, 3)],
      [FP16, someBytes(2_000_000, 4)],
    ]),
  );
});
afterEach(async () => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
  await hub.close();
  rmSync(folder, { recursive: true });
});

/** As `npx minivault …` runs it. */
function command(...args: string[]) {
  const env = { ...process.env, MINIVAULT_HUB: hub.url };
  const child = spawn(process.execPath, [join(ROOT, "cli/minivault.js"), ...args], { env });
  started.push(child);
  const said = { output: "" };
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (said.output += chunk));
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, output: said.output }));
  return { child, ended };
}

const pull = (...args: string[]) => command("model", "pull", ...args, "--to", folder);
const here = (path: string) => join(folder, "someone/tiny", path);
/** `toEqual` would compare a million bytes one by one. */
const isWhole = (path: string) => existsSync(here(path)) && hub.files.get(path)?.equals(readFileSync(here(path)));
const partBytes = () => (existsSync(here(`${Q8}.part`)) ? statSync(here(`${Q8}.part`)).size : 0);
const sent = (path: string) => hub.sentBytes.get(`/someone/tiny/resolve/main/${path}`) ?? 0;

test("it fetches what both devices need, says what to do next, and fetches nothing twice", async () => {
  const first = await pull("someone/tiny").ended;
  expect(first).toMatchObject({ code: 0, output: expect.stringContaining("q8 and fp16, 3.0 MB in 6 files") });
  expect(first.output).toContain("MINIVAULT_MODEL=someone/tiny npm start");
  expect(isWhole(Q8)).toBe(true);
  expect(isWhole(FP16)).toBe(true);
  expect(existsSync(here("tokenizer.json"))).toBe(true);
  for (const path of ["onnx/model.onnx", "README.md"]) expect(existsSync(here(path)), path).toBe(false);

  hub.requests.length = 0;
  expect(await pull("someone/tiny").ended).toMatchObject({ code: 0 });
  expect(hub.requests.filter((path) => path.includes("/resolve/"))).toEqual([]);
});

test("`--device` and `--dtype` choose the weights", async () => {
  await pull("someone/tiny", "--device", "wasm").ended;
  expect([existsSync(here(Q8)), existsSync(here(FP16))]).toEqual([true, false]);
  await pull("someone/tiny", "--device", "wasm", "--dtype", "fp32").ended;
  expect(existsSync(here("onnx/model.onnx"))).toBe(true);
  const none = await pull("someone/tiny", "--device", "webgpu", "--dtype", "q4").ended;
  expect(none).toMatchObject({ code: 1, output: expect.stringContaining("has no weights as q4") });
});

test("a cut and a 503 on the way are no matter", async () => {
  hub.faults = [
    { on: /quantized/, stallAfter: 600_000, times: 1 },
    { on: /fp16/, status: 503, times: 1 },
  ];
  const { ended } = pull("someone/tiny");
  await expect.poll(partBytes, { timeout: 20_000 }).toBe(600_000); // what is not read before the cut is sent again
  hub.breakAll();
  expect(await ended).toMatchObject({ code: 0 });
  expect(isWhole(Q8)).toBe(true);
  expect(sent(Q8)).toBe(1_000_000);
});

test("killed half-way it leaves no half file, and goes on from there the next time", async () => {
  hub.faults = [{ on: /quantized/, stallAfter: 600_000 }];
  const { child, ended } = pull("someone/tiny", "--device", "wasm");
  await expect.poll(partBytes, { timeout: 20_000 }).toBe(600_000);
  child.kill("SIGKILL");
  await ended;
  expect(existsSync(here(Q8))).toBe(false);

  hub.faults = [];
  expect(await pull("someone/tiny", "--device", "wasm").ended).toMatchObject({ code: 0 });
  expect(isWhole(Q8)).toBe(true);
  expect(existsSync(here(`${Q8}.part`))).toBe(false);
  expect(sent(Q8)).toBe(1_000_000);
});

test("Ctrl+C pauses it with a sentence", async () => {
  hub.faults = [{ on: /quantized/, stallAfter: 600_000 }];
  const { child, ended } = pull("someone/tiny");
  await expect.poll(partBytes, { timeout: 20_000 }).toBe(600_000);
  child.kill("SIGINT");
  expect(await ended).toMatchObject({ code: 130, output: expect.stringContaining("what is here is kept") });
});

test("bytes that are wrong again and again are refused, and not kept", async () => {
  hub.faults = [{ on: /quantized/, wrongBytes: true, times: 9 }];
  const { code, output } = await pull("someone/tiny", "--device", "wasm").ended;
  expect([code, output]).toEqual([1, expect.stringContaining("is not what its owner published")]);
  expect(existsSync(here(Q8))).toBe(false);
});

test.each([
  ["a name that nobody has", ["nothing"], /There is no model nothing\. Name one of distilgpt2, .*owner\/name/],
  ["a hub id that the hub has not", ["nobody/nothing"], /no public model nobody\/nothing/],
  ["what the site has anyway", ["minivault-demo"], /the site has it already/],
  ["no name", [], /missing required argument 'model'/],
  ["an unknown device", ["a/b", "--device", "abacus"], /Allowed choices are wasm, webgpu, all/],
  ["a hub that is no address", ["a/b", "--hub", "nowhere"], /must begin with https/],
])("it refuses %s with a sentence", async (_, args, words) => {
  const { code, output } = await pull(...args).ended;
  expect(code).toBe(1);
  expect(output).toMatch(words);
  expect(output).not.toMatch(/\n {4}at /);
});

test("a hub that cannot be reached is named, and nothing is there", async () => {
  const { code, output } = await pull("someone/tiny", "--hub", "http://localhost:9").ended;
  expect([code, output]).toEqual([1, expect.stringMatching(/minivault: http:\/\/localhost:9 .*Check the connection/)]);
  expect(existsSync(here("config.json"))).toBe(false);
});

test("`--help` and `model list` say what there is", async () => {
  expect((await command("--help").ended).output).toMatch(/Usage: minivault[\s\S]*model/);
  expect((await command("model", "pull", "--help").ended).output).toMatch(/--device[\s\S]*--dtype[\s\S]*--hub/);
  expect((await pull("someone/tiny", "--device", "wasm").ended).code).toBe(0);
  const { code, output } = await command("model", "list", "--to", folder).ended;
  expect(code).toBe(0);
  expect(output).toMatch(/someone\/tiny +1\.0 MB/);
  expect(output).toMatch(/distilgpt2 +82M +1,024 +87 MB +167 MB +Apache-2.0/);
  for (const line of output.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
});
