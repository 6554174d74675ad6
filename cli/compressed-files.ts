import { readFile, stat } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join, normalize } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gunzip } from "node:zlib";

const TYPES: Record<string, string> = {
  js: "text/javascript",
  css: "text/css",
  json: "application/json",
  svg: "image/svg+xml",
  webmanifest: "application/manifest+json",
  "wasm.gz": "application/wasm",
};
const COMPRESSED = new RegExp(`\\.(${Object.keys(TYPES).join("|").replaceAll(".", "\\.")})$`);
const UNTYPED = /\.(onnx|onnx_data(_\d+)?)$/;

/** A third of a second for a runtime; the best takes 80 times as long, for a fifth fewer bytes. */
const QUALITY = 5;

/** By what a file is, so that a process compresses it once, whichever server and folder it is in. */
const done = new Map<string, Promise<Buffer>>();

/**
 * Answers with Brotli where that is accepted: scripts, styles, and the runtimes, whose files are gzip. Weights of models
 * are left to others: they hardly compress, and a transfer of them goes on from a byte.
 */
export const compressedFiles =
  (folder: string) =>
  async (request: IncomingMessage, response: ServerResponse, next: () => void): Promise<void> => {
    response.setHeader("vary", "accept-encoding");
    const [path = ""] = request.url?.split("?") ?? [];
    const [, extension = ""] = COMPRESSED.exec(path) ?? [];
    const type = path.startsWith("/models/") ? undefined : TYPES[extension];
    const rest = () => {
      // The server behind this one compresses what it knows no type of, and also a part of a file.
      if (UNTYPED.test(path)) response.setHeader("content-type", "application/octet-stream");
      if (request.headers.range) request.headers["accept-encoding"] = "identity";
      next();
    };
    if (!type || request.method !== "GET" || request.headers.range || !acceptsBrotli(request)) return rest();
    const file = join(folder, normalize(`/${decoded(path)}`));
    const info = await stat(file).catch(() => null);
    if (!info?.isFile()) return rest();
    const version = `${info.size.toString(16)}-${info.mtimeMs.toString(16)}`;
    const etag = `"${version}-br"`;
    response.setHeader("etag", etag);
    if (request.headers["if-none-match"] === etag) {
      response.writeHead(304).end();
      return;
    }
    const key = `${info.dev} ${info.ino} ${version}`;
    const bytes = done.get(key) ?? compress(file);
    done.set(key, bytes);
    try {
      const length = (await bytes).length;
      response.writeHead(200, { "content-type": type, "content-encoding": "br", "content-length": length });
      response.end(await bytes);
    } catch {
      done.delete(key);
      response.removeHeader("etag");
      rest(); // gone meanwhile, or no gzip: as it is
    }
  };

async function compress(file: string): Promise<Buffer> {
  const read = await readFile(file);
  const bytes = file.endsWith(".gz") ? await promisify(gunzip)(read) : read;
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN, BROTLI_PARAM_SIZE_HINT } = constants;
  return promisify(brotliCompress)(bytes, {
    params: { [BROTLI_PARAM_QUALITY]: QUALITY, [BROTLI_PARAM_LGWIN]: 24, [BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });
}

const acceptsBrotli = ({ headers }: IncomingMessage): boolean =>
  /(^|,)\s*br\s*(;\s*q=(?!0(\.0*)?\s*(,|$))[^,]*)?(,|$)/i.test(String(headers["accept-encoding"] ?? ""));

/** What is no path leads to no file. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
