import fc from "fast-check";
import { expect, test } from "vitest";
import { readJsonBody } from "./read-body.ts";

/** Without a `content-length`, in chunks that may cut a character. */
const chunked = (bytes: Uint8Array, size: number) =>
  new Request("http://x/", {
    method: "POST",
    duplex: "half",
    body: new ReadableStream({
      start(controller) {
        for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
        controller.close();
      },
    }),
  } as RequestInit);

test("`readJsonBody()` reads any JSON, however it is cut", async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), fc.integer({ min: 1, max: 5 }), async (value, size) => {
      const bytes = new TextEncoder().encode(JSON.stringify(value));
      expect(JSON.stringify(await readJsonBody(chunked(bytes, size)))).toBe(JSON.stringify(value));
    }),
  );
});

test("`readJsonBody()` reads a request that has no stream of its body, as in Firefox, and up to the same limit", async () => {
  const request = (text: string) => {
    const whole = new Request("http://x/", { method: "POST", body: text });
    return Object.defineProperty(whole, "body", { value: undefined });
  };
  expect(await readJsonBody(request('{"a": 1}'), 8)).toEqual({ a: 1 });
  await expect(readJsonBody(request('{"a": 12}'), 8)).rejects.toMatchObject({ code: "body-too-large" });
});

test("`readJsonBody()` stops at the limit, not at the end", async () => {
  let pulls = 0;
  const endless = new ReadableStream({
    pull(controller) {
      pulls++;
      controller.enqueue(new Uint8Array(100).fill(32));
    },
  });
  const request = new Request("http://x/", { method: "POST", duplex: "half", body: endless } as RequestInit);
  await expect(readJsonBody(request, 1000)).rejects.toMatchObject({ code: "body-too-large", status: 413 });
  expect(pulls).toBeLessThan(15);
});

test("`readJsonBody()` refuses nothing, and what is not JSON", async () => {
  for (const body of [null, "", "{", "\u0000"]) {
    await expect(readJsonBody(new Request("http://x/", { method: "POST", body }))).rejects.toMatchObject({
      status: 400,
    });
  }
});

test("`readJsonBody()` refuses what is nested too deep for any stack, and nothing that is only long", async () => {
  const nested = (depth: number) => new TextEncoder().encode("[".repeat(depth) + "]".repeat(depth));
  expect(await readJsonBody(chunked(nested(200), 64))).toHaveLength(1);
  for (const depth of [202, 5_000, 100_000]) {
    await expect(readJsonBody(chunked(nested(depth), 4096))).rejects.toMatchObject({ code: "bad-request" });
  }
  const long = new TextEncoder().encode(JSON.stringify(new Array(100_000).fill(7)));
  expect(await readJsonBody(chunked(long, 4096))).toHaveLength(100_000);
});

test("a body that breaks off is told as that, with how much of it came: the sender's fault, not ours", async () => {
  const breaking = (chunks: number) => {
    const body = new ReadableStream({
      pull: (controller) =>
        chunks-- > 0 ? controller.enqueue(new Uint8Array(5).fill(32)) : controller.error(new Error("cable")),
    });
    return new Request("http://x/", { method: "POST", duplex: "half", body } as RequestInit);
  };
  for (const [chunks, bytes] of [
    [0, 0],
    [3, 15],
  ] as const) {
    const problem = {
      code: "bad-request",
      status: 400,
      message: `The body broke off after ${bytes} bytes: cable. Send the request again.`,
    };
    await expect(readJsonBody(breaking(chunks))).rejects.toMatchObject(problem);
  }
  const blobless = Object.defineProperties(breaking(0), {
    body: { value: undefined },
    blob: { value: () => Promise.reject(new Error("cable")) },
  });
  await expect(readJsonBody(blobless)).rejects.toMatchObject({ code: "bad-request" });
});

test("`readJsonBody()` refuses what is not UTF-8, and does not read other characters in its place", async () => {
  const bodies = [
    [0x22, 0xff, 0x22],
    [0x22, 0xc3, 0x22],
    [0xff, 0xfe, 0x22, 0, 0x22, 0],
    [0x1f, 0x8b, 8, 0],
  ];
  for (const bytes of bodies) {
    await expect(readJsonBody(chunked(Uint8Array.from(bytes), 1))).rejects.toMatchObject({ code: "bad-request" });
  }
  expect(await readJsonBody(chunked(Uint8Array.from([0xef, 0xbb, 0xbf, 0x22, 0x22]), 2))).toBe("");
});
