import { expect, test } from "vitest";
import type { ListedModel, ModelState } from "../core/protocol.ts";
import { INITIAL_STATE, onItsWay, rateOf, reduce, type UiAction } from "./state.ts";

const run = (...actions: UiAction[]) => actions.reduce(reduce, INITIAL_STATE);
const submit: UiAction = { type: "submit", prompt: "p" };

test("the rate counts from the first token on", () => {
  const state = run(
    submit,
    { type: "token", text: "a", atMs: 1000 },
    { type: "token", text: "b", atMs: 1100 },
    { type: "token", text: "c", atMs: 1200 },
  );
  expect(state).toMatchObject({ phase: "streaming", answer: { text: "abc", tokens: 3, tokensPerSecond: 10 } });
});

test("an answer ends as done, stopped or failed, and keeps its text", () => {
  const token: UiAction = { type: "token", text: "a", atMs: 0 };
  expect(run(submit, token, { type: "stop" })).toMatchObject({ phase: "idle", answer: { text: "a", stopped: true } });
  expect(run(submit, token, { type: "fail", detail: "No." })).toMatchObject({
    phase: "idle",
    answer: { text: "a", error: "No." },
  });
});

test("a new request starts from nothing", () => {
  expect(run(submit, { type: "token", text: "a", atMs: 0 }, { type: "stop" }, submit).answer).toMatchObject({
    text: "",
    tokens: 0,
    stopped: false,
  });
});

const listed = (name: string, files: ModelState): ListedModel => ({
  name,
  repo: name,
  source: "hub",
  parameters: "",
  licence: "",
  contextTokens: null,
  sizeBytes: null,
  files,
});
const loading = { model: "b", phase: "downloading", loadedBytes: 1, totalBytes: 2 } as const;

test("a choice lasts until its model is gone from a list that has others", () => {
  const choose: UiAction = { type: "choose", model: "a" };
  expect(run(choose, { type: "models", models: [] }).chosen).toBe("a");
  expect(run(choose, { type: "models", models: [listed("a", { state: "remote" })] }).chosen).toBe("a");
  expect(run(choose, { type: "models", models: [listed("b", { state: "stored" })] }).chosen).toBe(null);
});

test("a model is on its way if it is the only one, or the next; its rate is the library's to tell", () => {
  expect(onItsWay({ state: "absent" })).toBe(null);
  expect(onItsWay({ state: "loading", ...loading })).toMatchObject({ model: "b" });
  const models = [
    listed("a", { state: "stored" }),
    listed("b", { state: "downloading", loadedBytes: 1, totalBytes: 2, bytesPerSecond: 9, retrying: null }),
  ];
  expect(["a", "b", "c"].map((name) => rateOf(models, name))).toEqual([0, 9, 0]);
});
