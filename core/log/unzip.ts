import { VaultError } from "../errors.ts";
import { type Bytes, concat } from "../vault/bytes.ts";

/** So each member of a gzip file begins, and by chance one place in 2²⁴ within one. https://www.rfc-editor.org/rfc/rfc1952 */
const isMagic = (bytes: Bytes, at: number): boolean =>
  bytes[at] === 0x1f && bytes[at + 1] === 0x8b && bytes[at + 2] === 8;
const MAGIC_BYTES = 3;

/**
 * What a gzip file holds; what is none comes as it is. A file may be several that were joined, of which a
 * `DecompressionStream` takes one: https://compression.spec.whatwg.org/#decompress-and-enqueue-a-chunk
 */
export async function* unzipped(chunks: AsyncIterable<Bytes>): AsyncGenerator<Bytes, void> {
  let member: ReturnType<typeof openMember> | undefined;
  let rest: Bytes = new Uint8Array();
  let read = 0;
  try {
    for await (const chunk of chunks) {
      rest = concat(rest, chunk);
      if (read < MAGIC_BYTES && isMagic(rest, 0)) member = openMember();
      read += chunk.length;
      let from = 0;
      for (let at = 0; member && at <= rest.length - MAGIC_BYTES; at++) {
        if (!isMagic(rest, at)) continue;
        yield* member.put(rest.subarray(from, at));
        from = at;
        if (!member.isWhole()) continue;
        yield* member.end();
        member = openMember();
      }
      const end = Math.max(from, rest.length - MAGIC_BYTES + 1); // the next one may begin in what is behind it
      if (member) yield* member.put(rest.subarray(from, end));
      else if (end > 0) yield rest.subarray(0, end);
      rest = rest.slice(end);
    }
    if (!member) return yield rest;
    yield* member.put(rest);
    yield* member.end();
  } catch (cause) {
    if (cause instanceof VaultError) throw cause;
    throw new VaultError("bad-import", `the gzip data is cut or broken before byte ${read}`, { cause });
  }
}

function openMember() {
  const { readable, writable } = new DecompressionStream("gzip");
  const writer = writable.getWriter();
  const reader = readable.getReader();
  let reading: ReturnType<typeof reader.read> | undefined;
  let tail: Bytes = new Uint8Array();
  let size = 0;

  /** All that came out until then: the stream takes nothing more before it was read. */
  async function* until(taken: Promise<void>): AsyncGenerator<Bytes, void> {
    const isTaken = taken.then(() => null);
    for (;;) {
      reading ??= reader.read() as ReturnType<typeof reader.read>;
      const next = await Promise.race([reading, isTaken]);
      if (!next || next.done) return;
      reading = undefined;
      size += next.value.length;
      yield next.value as Bytes;
    }
  }
  /** Its last bytes say how many it holds, modulo 2³². In Node more may come still, and a member needs no end. */
  const isWhole = (): boolean => tail.length === 4 && new DataView(tail.buffer).getUint32(0, true) === size % 2 ** 32;

  return {
    isWhole,
    async *put(bytes: Bytes) {
      yield* until(writer.write(bytes));
      tail = concat(tail, bytes).slice(-4);
    },
    end: () => until(writer.close()),
  };
}
