import { expect, test } from "vitest";
import { INITIAL_STATE, reduce, type UiAction } from "./state.ts";

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
