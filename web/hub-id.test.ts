import fc from "fast-check";
import { expect, test } from "vitest";
import { hubIdIn } from "./hub-id.ts";

test("`hubIdIn()` takes an id, or an address of the hub with whatever follows", () => {
  expect(hubIdIn(" onnx-community/Qwen3-0.6B-ONNX ")).toBe("onnx-community/Qwen3-0.6B-ONNX");
  expect(hubIdIn("https://hub.example/owner/name/tree/main/onnx")).toBe("owner/name");
  expect(hubIdIn("https://hub.example/owner/name?library=x")).toBe("owner/name");
  expect(["gpt2", "", "https://hub.example/", "a b/c", "<b>/c"].map(hubIdIn)).toEqual(Array(5).fill(null));
});

test("`hubIdIn()` gives nothing that is no id, whatever was pasted", () => {
  fc.assert(fc.property(fc.string(), (text) => /^[\w.-]+\/[\w.-]+$/.test(hubIdIn(text) ?? "a/b")));
});
