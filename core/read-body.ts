import { reasonOf, VaultError } from "./errors.ts";

const MAX_BODY_BYTES = 1024 * 1024;
/** What reads a body further on goes as deep as it does: nobody needs more, and no stack has room for everything. */
export const MAX_DEPTH = 200;

/**
 * A request's body. Rejects with `bad-request` if it breaks off. Firefox gives no stream of it:
 * https://bugzilla.mozilla.org/show_bug.cgi?id=1387483
 */
export async function* readBody(request: Request): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  let bytes = 0;
  try {
    const reader = (request.body ?? (await request.blob()).stream()).getReader();
    try {
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        bytes += next.value.byteLength;
        yield next.value;
      }
    } finally {
      reader.cancel().catch(() => {}); // it has failed, then
    }
  } catch (cause) {
    const detail = `The body broke off after ${bytes} bytes: ${reasonOf(cause)}. Send the request again.`;
    throw new VaultError("bad-request", detail, { cause });
  }
}

/** The body as JSON. Stops reading at the limit, whatever `content-length` promises: a stream may not have one. */
export async function readJsonBody(request: Request, maxBytes = MAX_BODY_BYTES): Promise<unknown> {
  const tooLarge = () => new VaultError("body-too-large", `The body is over ${maxBytes} bytes. Send a shorter prompt.`);
  if (Number(request.headers.get("content-length")) > maxBytes) throw tooLarge();

  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of readBody(request)) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }

  const body = parse(chunks);
  if (isDeeperThan(MAX_DEPTH, body)) {
    throw new VaultError("bad-request", `The body is nested more than ${MAX_DEPTH} levels deep. Send a flatter one.`);
  }
  return body;
}

function parse(chunks: readonly Uint8Array[]): unknown {
  const utf8 = new TextDecoder("utf-8", { fatal: true });
  try {
    return JSON.parse(chunks.map((chunk) => utf8.decode(chunk, { stream: true })).join("") + utf8.decode());
  } catch {
    throw new VaultError(
      "bad-request",
      'The body is not valid JSON in UTF-8. Send an object such as {"prompt": "Hello"}.',
    );
  }
}

/** Level by level, with a list where a recursion would be what it is to prevent. */
export function isDeeperThan(max: number, root: unknown): boolean {
  let level = [root];
  for (let depth = 0; depth <= max && level.length > 0; depth++) {
    level = level.flatMap((value) => (typeof value === "object" && value !== null ? Object.values(value) : []));
  }
  return level.length > 0;
}
