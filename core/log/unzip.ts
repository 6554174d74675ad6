import { VaultError } from "../errors.ts";
import { type Bytes, concat } from "../vault/bytes.ts";

/** So each member of a gzip file begins, and by chance one place in 2²⁴ within one. https://www.rfc-editor.org/rfc/rfc1952 */
const isMagic = (bytes: Bytes, at: number): boolean =>
  bytes[at] === 0x1f && bytes[at + 1] === 0x8b && bytes[at + 2] === 8;
const MAGIC_BYTES = 3;

/** What a gzip file holds; what is none comes as it is. A file may be several that were joined. */
export async function* unzipped(chunks: AsyncIterable<Bytes>): AsyncGenerator<Bytes, void> {
  const source = chunks[Symbol.asyncIterator]();
  let read = 0;
  let first: Bytes = new Uint8Array();
  const next = async (): Promise<Bytes | null> => {
    const { done, value } = await source.next();
    read += done ? 0 : value.length;
    return done ? null : value;
  };
  try {
    for (let chunk = await next(); chunk; chunk = first.length < MAGIC_BYTES ? await next() : null) {
      first = concat(first, chunk);
    }
    async function* all() {
      yield first;
      for (let chunk = await next(); chunk; chunk = await next()) yield chunk;
    }
    if (!isMagic(first, 0)) yield* all();
    else if (node) yield* node("node:stream").pipeline(all, node("node:zlib").createGunzip(), () => {});
    else yield* membersOf(all());
  } catch (cause) {
    if (cause instanceof VaultError) throw cause;
    throw new VaultError("bad-import", `the gzip data is cut or broken before byte ${read}`, { cause });
  } finally {
    await source.return?.();
  }
}

/**
 * Node's `DecompressionStream` does not tell when it has read what it was given, but its own gunzip takes joined members.
 * https://nodejs.org/api/process.html#processgetbuiltinmoduleid
 */
const node = (globalThis as { process?: { getBuiltinModule?(id: "node:stream" | "node:zlib"): NodeStreams } }).process
  ?.getBuiltinModule;

/** As far as it is used; the two modules have one each. */
interface NodeStreams {
  createGunzip(): object;
  pipeline(source: () => AsyncIterable<Bytes>, gunzip: object, onEnd: () => void): AsyncIterable<Bytes>;
}

/**
 * A `DecompressionStream` takes one member of a joined file, and refuses what is behind it:
 * https://compression.spec.whatwg.org/#decompress-and-enqueue-a-chunk
 */
async function* membersOf(chunks: AsyncIterable<Bytes>): AsyncGenerator<Bytes, void> {
  let member = openMember();
  let rest: Bytes = new Uint8Array();
  for await (const chunk of chunks) {
    rest = concat(rest, chunk);
    let from = 0;
    for (let at = 0; at <= rest.length - MAGIC_BYTES; at++) {
      if (!isMagic(rest, at)) continue;
      yield* member.put(rest.subarray(from, at));
      from = at;
      if (!member.isWhole()) continue;
      yield* member.end();
      member = openMember();
    }
    const end = Math.max(from, rest.length - MAGIC_BYTES + 1); // the next one may begin in what is behind it
    yield* member.put(rest.subarray(from, end));
    rest = rest.slice(end);
  }
  yield* member.put(rest);
  yield* member.end();
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
  /** Its last bytes say how many it holds, modulo 2³². */
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
