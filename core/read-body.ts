import { VaultError } from "./errors.ts";

const MAX_BODY_BYTES = 1024 * 1024;

/** The body as JSON. Stops reading at the limit, whatever `content-length` promises: a stream may not have one. */
export async function readJsonBody(request: Request, maxBytes = MAX_BODY_BYTES): Promise<unknown> {
  const tooLarge = () => new VaultError("body-too-large", `The body is over ${maxBytes} bytes. Send a shorter prompt.`);
  if (Number(request.headers.get("content-length")) > maxBytes) throw tooLarge();

  let text = "";
  let bytes = 0;
  const utf8 = new TextDecoder();
  const reader = request.body?.getReader();
  for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
    bytes += next.value.byteLength;
    if (bytes > maxBytes) {
      await reader?.cancel();
      throw tooLarge();
    }
    text += utf8.decode(next.value, { stream: true });
  }
  text += utf8.decode();

  try {
    return JSON.parse(text);
  } catch {
    throw new VaultError("bad-request", 'The body is not valid JSON. Send an object such as {"prompt": "Hello"}.');
  }
}
