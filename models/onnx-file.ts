/** What an ONNX file says of itself, as far as it matters whether a decoder can be made of it. */
export interface OnnxSummary {
  /** Names of what it takes. */
  readonly inputs: readonly string[];
  /** Files beside it that hold its weights. */
  readonly externalFiles: readonly string[];
}

/** A file that is none, or not whole. The message is the rest of a sentence that begins with its name. */
export class OnnxError extends Error {}

/**
 * Walks the fields of the file, and of the graph in it, from length to length: weights are skipped, so a file of any
 * size is read in a few steps. Throws an `OnnxError`.
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, https://protobuf.dev/programming-guides/encoding/
 */
export async function readOnnx(file: Blob): Promise<OnnxSummary> {
  const read = windowed(file);
  if (isLfsPointer(await read(0, LFS_POINTER.length))) {
    throw new OnnxError("is only Git's pointer to the file. Run git lfs pull in the folder, then pick it again.");
  }
  const seen = new Set<number>();
  const inputs: string[] = [];
  const externalFiles = new Set<string>();
  for await (const field of fieldsOf(read, { from: 0, to: file.size })) {
    const wire = MODEL_FIELDS.get(field.number);
    if (wire !== undefined && wire !== field.wire) throw NOT_ONNX();
    seen.add(field.number);
    if (field.number !== GRAPH) continue;
    for await (const part of fieldsOf(read, field)) {
      if (part.number === GRAPH_INPUT) inputs.push(await textIn(read, part, VALUE_NAME));
      if (part.number === INITIALIZER) await addExternal(read, part, externalFiles);
    }
  }
  // Written last by every exporter, the operator sets are what a cut between two fields takes away.
  if (![IR_VERSION, GRAPH, OPSET_IMPORT].every((number) => seen.has(number))) throw NOT_ONNX();
  return { inputs, externalFiles: [...externalFiles] };
}

const NOT_ONNX = () => new OnnxError("is no ONNX model, or not all of it. Copy or convert it again.");
const CUT_OFF = () => new OnnxError("is cut off. Copy or download it again.");

const IR_VERSION = 1;
const GRAPH = 7;
const OPSET_IMPORT = 8;
const VARINT = 0;
const BYTES = 2;
/** Of `ModelProto`, with their wire types. A later version of the format may add some. */
const MODEL_FIELDS = new Map([
  ...[IR_VERSION, 5].map((number) => [number, VARINT] as const),
  ...[2, 3, 4, 6, GRAPH, OPSET_IMPORT, 14, 20, 25].map((number) => [number, BYTES] as const),
]);
const INITIALIZER = 5;
const GRAPH_INPUT = 11;
const VALUE_NAME = 1;
const EXTERNAL_DATA = 13;
const ENTRY_KEY = 1;
const ENTRY_VALUE = 2;

const LFS_POINTER = new TextEncoder().encode("version https://git-lfs");
const isLfsPointer = (bytes: Uint8Array) =>
  bytes.length === LFS_POINTER.length && bytes.every((byte, index) => byte === LFS_POINTER[index]);

interface Range {
  readonly from: number;
  readonly to: number;
}

/** Its content lies in the range. */
interface Field extends Range {
  readonly number: number;
  readonly wire: number;
}

type Read = (at: number, length: number) => Promise<Uint8Array>;

/** Thousands of small fields lie side by side: a slice for each would take seconds. */
function windowed(file: Blob): Read {
  let start = 0;
  let bytes = new Uint8Array();
  return async (at, length) => {
    if (at < start || at + length > start + bytes.length) {
      start = at;
      bytes = new Uint8Array(await file.slice(at, at + Math.max(length, WINDOW_BYTES)).arrayBuffer());
    }
    return bytes.subarray(at - start, at - start + length);
  };
}

const WINDOW_BYTES = 65_536;

async function* fieldsOf(read: Read, { from, to }: Range): AsyncGenerator<Field, void> {
  for (let at = from; at < to; ) {
    const head = await read(at, Math.min(2 * VARINT_BYTES, to - at));
    const tag = varint(head, 0);
    const wire = tag.value % 8;
    const number = Math.floor(tag.value / 8);
    if (number === 0) throw NOT_ONNX();
    const after = wire === VARINT || wire === BYTES ? varint(head, tag.length) : { value: 0, length: 0 };
    const begin = at + tag.length + (wire === BYTES ? after.length : 0);
    at = begin + contentBytes(wire, after);
    if (at > to) throw CUT_OFF();
    yield { number, wire, from: begin, to: at };
  }
}

function contentBytes(wire: number, after: { value: number; length: number }): number {
  switch (wire) {
    case VARINT:
      return after.length;
    case 1:
      return 8;
    case BYTES:
      return after.value;
    case 5:
      return 4;
    default:
      throw NOT_ONNX();
  }
}

const VARINT_BYTES = 10;

function varint(bytes: Uint8Array, at: number): { value: number; length: number } {
  let value = 0;
  for (let index = 0; index < VARINT_BYTES; index++) {
    const byte = bytes[at + index];
    if (byte === undefined) throw CUT_OFF();
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return { value, length: index + 1 };
  }
  throw NOT_ONNX();
}

/** The text of one field of a message. */
async function textIn(read: Read, range: Range, number: number): Promise<string> {
  for await (const field of fieldsOf(read, range)) {
    if (field.number !== number || field.wire !== BYTES) continue;
    if (field.to - field.from > MAX_NAME_BYTES) throw NOT_ONNX();
    return new TextDecoder().decode(await read(field.from, field.to - field.from));
  }
  return "";
}

const MAX_NAME_BYTES = 4_096;

async function addExternal(read: Read, tensor: Range, files: Set<string>): Promise<void> {
  for await (const field of fieldsOf(read, tensor)) {
    if (field.number !== EXTERNAL_DATA) continue;
    if ((await textIn(read, field, ENTRY_KEY)) === "location") files.add(await textIn(read, field, ENTRY_VALUE));
  }
}
