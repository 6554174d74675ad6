import { VaultError } from "./errors.ts";

const MAX_BODY_BYTES = 1024 * 1024;
/** What reads a body further on goes as deep as it does: nobody needs more, and no stack has room for everything. */
const MAX_DEPTH = 200;

/** Firefox gives no stream of a request's body: https://bugzilla.mozilla.org/show_bug.cgi?id=1387483 */
export const bodyOf = async (request: Request): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> =>
  request.body ?? (await request.blob()).stream();

/** The body as JSON. Stops reading at the limit, whatever `content-length` promises: a stream may not have one. */
export async function readJsonBody(request: Request, maxBytes = MAX_BODY_BYTES): Promise<unknown> {
  const tooLarge = () => new VaultError("body-too-large", `The body is over ${maxBytes} bytes. Send a shorter prompt.`);
  if (Number(request.headers.get("content-length")) > maxBytes) throw tooLarge();

  let text = "";
  let bytes = 0;
  const utf8 = new TextDecoder();
  const reader = (await bodyOf(request)).getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    bytes += next.value.byteLength;
    if (bytes > maxBytes) {
      await reader.cancel();
      throw tooLarge();
    }
    text += utf8.decode(next.value, { stream: true });
  }
  text += utf8.decode();

  const body = parse(text);
  if (isDeeperThan(MAX_DEPTH, body)) {
    throw new VaultError("bad-request", `The body is nested more than ${MAX_DEPTH} levels deep. Send a flatter one.`);
  }
  return body;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new VaultError("bad-request", 'The body is not valid JSON. Send an object such as {"prompt": "Hello"}.');
  }
}

/** Level by level, with a list where a recursion would be what it is to prevent. */
function isDeeperThan(max: number, root: unknown): boolean {
  let level = [root];
  for (let depth = 0; depth <= max && level.length > 0; depth++) {
    level = level.flatMap((value) => (typeof value === "object" && value !== null ? Object.values(value) : []));
  }
  return level.length > 0;
}
