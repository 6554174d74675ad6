/** A runtime as WASM, whether it came as gzip, or the host has sent its `.gz` file so that the browser unpacked it. */
export async function unpacked(response: Response): Promise<Response> {
  const blob = await response.blob();
  const [first, second] = new Uint8Array(await blob.slice(0, 2).arrayBuffer());
  const isPacked = first === 0x1f && second === 0x8b;
  const body = isPacked ? blob.stream().pipeThrough(new DecompressionStream("gzip")) : blob;
  return new Response(body, { headers: { "content-type": "application/wasm" } });
}
