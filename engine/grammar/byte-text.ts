/** Bytes as a text, one character each: such texts can be cut, joined, compared and looked up. */
export type ByteText = string;

const encoder = new TextEncoder();

export function byteText(bytes: Uint8Array): ByteText {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** A value as JSON in UTF-8, without white space. */
export const jsonBytes = (value: unknown): ByteText => byteText(encoder.encode(JSON.stringify(value)));

export function bytesOf(text: ByteText): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}
