import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { unpacked } from "./unpacked.ts";

const WASM = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
const sent = (bytes: Uint8Array) => unpacked(new Response(new Uint8Array(bytes)));

test("what a host sent packed is unpacked, and what the browser has unpacked already stays as it is", async () => {
  for (const [bytes, expected] of [
    [gzipSync(WASM), WASM],
    [WASM, WASM],
    [WASM.subarray(0, 1), WASM.subarray(0, 1)],
    [WASM.subarray(0, 0), WASM.subarray(0, 0)],
  ] as const) {
    const response = await sent(bytes);
    expect(response.headers.get("content-type")).toBe("application/wasm");
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(expected);
  }
});

test("a file that was cut is an error, not half a runtime", async () => {
  const response = await sent(gzipSync(WASM).subarray(0, 20));
  await expect(response.arrayBuffer()).rejects.toThrow();
});
