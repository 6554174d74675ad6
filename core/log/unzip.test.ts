import { constants, gzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Bytes } from "../vault/bytes.ts";
import { unzipped } from "./unzip.ts";

/** In pieces, of which none need be a whole of anything. */
async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Bytes> {
  for (let at = 0; at < bytes.length; at += size) yield new Uint8Array(bytes.subarray(at, at + size));
}

async function unzip(bytes: Uint8Array, size = 64): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of unzipped(cut(bytes, size))) parts.push(part);
  return Buffer.concat(parts);
}

const MAGIC = Buffer.from([0x1f, 0x8b, 8]);
/** Also what looks like the beginning of another member. */
const CONTENT = fc
  .array(
    fc.oneof(
      fc.string().map((text) => Buffer.from(text)),
      fc.constantFrom(MAGIC, gzipSync("x"), Buffer.alloc(3_000, "a line\n")),
    ),
    { maxLength: 6 },
  )
  .map((parts) => Buffer.concat(parts));
const LEVEL = fc.constantFrom(0, 1, 9, constants.Z_DEFAULT_COMPRESSION);
const MEMBERS = fc.array(fc.tuple(CONTENT, LEVEL), { minLength: 1, maxLength: 5 });
const SIZE = fc.constantFrom(1, 2, 3, 100, 65_536);

test("gzip files that were joined are unzipped whole, however they come", async () => {
  await fc.assert(
    fc.asyncProperty(MEMBERS, SIZE, async (members, size) => {
      const bytes = Buffer.concat(members.map(([content, level]) => gzipSync(content, { level })));
      const whole = Buffer.concat(members.map(([content]) => content));
      expect((await unzip(bytes, size)).equals(whole)).toBe(true);
    }),
    { numRuns: 30 },
  );
});

test("what is no gzip file comes as it is", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array(), SIZE, async (bytes, size) => {
      fc.pre(!(bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8));
      expect([...(await unzip(bytes, size))]).toEqual([...bytes]);
    }),
  );
});

const broken = (byte: number | string) => ({
  code: "bad-import",
  message: expect.stringMatching(`^the gzip data is cut or broken before byte ${byte}$`),
});

test("a gzip file that is cut is told where it ends", async () => {
  await fc.assert(
    fc.asyncProperty(CONTENT, CONTENT, fc.nat(), async (first, second, at) => {
      const whole = gzipSync(first);
      const last = gzipSync(second);
      const end = 3 + (at % (last.length - 3));
      const bytes = Buffer.concat([whole, last.subarray(0, end)]);
      await expect(unzip(bytes)).rejects.toMatchObject(broken(bytes.length));
    }),
    { numRuns: 30 },
  );
});

test("a bit of a gzip file that fell over is told", async () => {
  const whole = gzipSync("a line\n".repeat(1000));
  for (const at of [12, whole.length - 8, whole.length - 1]) {
    const bytes = Buffer.from(whole);
    bytes[at]! ^= 1;
    await expect(unzip(bytes)).rejects.toMatchObject(broken("\\d+"));
  }
});

test("a file that unzips to a thousand times its size is read a piece at a time", async () => {
  let taken = 0;
  const bomb = gzipSync(Buffer.alloc(256 * 1024 * 1024)); // Node takes 64 KiB of it before any was unpacked
  async function* source() {
    for await (const chunk of cut(bomb, 1024)) {
      taken += chunk.length;
      yield chunk;
    }
  }
  for await (const part of unzipped(source())) {
    expect(part.length).toBeLessThan(2 * 1024 * 1024);
    break;
  }
  expect(taken).toBeLessThan(bomb.length / 2);
});
