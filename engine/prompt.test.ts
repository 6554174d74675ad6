import { expect, test, vi } from "vitest";
import { newRequest } from "../core/generate-request.ts";
import { createFakeModel } from "../tests/fixtures/fake-model.ts";
import { engineOf } from "../tests/fixtures/fixed-sources.ts";
import { embeddedModel } from "../tests/fixtures/node-model.ts";
import { generate } from "./generate.ts";
import { tokenise } from "./prompt.ts";

test("a prompt that cannot fit by its bytes is refused unread, and one that might fit is read", async () => {
  const model = createFakeModel({ contextTokens: 10 });
  const encode = vi.spyOn(model, "encode");
  const chat = (content: string) =>
    ({ type: "chat", messages: [{ role: "user", content }], instruction: false }) as const;
  for (const prompt of [{ type: "text", text: "é".repeat(5) } as const, chat("a".repeat(10))]) {
    await expect(tokenise(model, prompt)).rejects.toMatchObject({
      code: "prompt-too-long",
      message: expect.stringContaining("10 bytes, which are at least 10 tokens"),
    });
  }
  expect(encode).not.toHaveBeenCalled();
  expect((await tokenise(model, { type: "text", text: "a".repeat(9) })).tokenIds).toHaveLength(9);
  const unknown = { ...model, longestToken: () => null };
  await expect(tokenise(unknown, { type: "text", text: "a".repeat(10) })).rejects.toMatchObject({
    message: expect.stringContaining("10 tokens"),
  });
});

test("a short prompt is read without a look at the whole vocabulary", async () => {
  const model = createFakeModel({ contextTokens: 10 });
  const longestToken = vi.spyOn(model, "longestToken");
  await tokenise(model, { type: "text", text: "a".repeat(9) });
  expect(longestToken).not.toHaveBeenCalled();
});

test("the embedded model refuses half a million words unread, whoever asks", async () => {
  const model = await embeddedModel.load();
  const encode = vi.spyOn(model, "encode");
  const engine = engineOf({ name: "demo", load: async () => model });
  const request = newRequest({ type: "text", text: "a.".repeat(500_000) });
  await expect(engine.admit(request)).rejects.toMatchObject({ code: "prompt-too-long" });
  expect(encode).not.toHaveBeenCalled();
  await model.dispose();
});

test("an answer that is cancelled before its prompt was read computes nothing", async () => {
  const cancelling = new AbortController();
  const model = createFakeModel();
  const { encode } = model;
  model.encode = async (...args) => {
    cancelling.abort(new Error("gone"));
    return encode(...args);
  };
  const events = generate(model, newRequest({ type: "text", text: "a" }), cancelling.signal);
  await expect(events.next()).rejects.toThrow("gone");
  expect([model.steps, model.openCaches]).toEqual([0, 0]);
});
