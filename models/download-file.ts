import { VaultError } from "../core/errors.ts";
import type { PartFile } from "./file-store.ts";
import { createHasher, type Hasher } from "./hash.ts";
import type { ModelFile } from "./model-entry.ts";
import { asPassing, type Connection, Passing, type RetryOptions, send, withRetries } from "./retry.ts";

export interface FileDownload extends RetryOptions {
  readonly url: string;
  readonly file: ModelFile;
  readonly part: PartFile;
  /** Of this file are here. */
  readonly onLoaded: (bytes: number) => void;
}

/** The file did not turn out to be what its owner published. */
class Mismatch extends Error {}

/**
 * Goes on with a part until it is the file, then publishes it. The part is kept whatever happens, but for bytes that
 * are wrong. Rejects with `model-unavailable`, `model-broken`, `load-cancelled`, or as the part does.
 */
export async function downloadFile(download: FileDownload): Promise<void> {
  try {
    await attempt(download);
  } catch (cause) {
    if (!(cause instanceof Mismatch)) throw cause;
    await download.part.restart(null);
    await attempt(download).catch(async (again: unknown) => {
      if (!(again instanceof Mismatch)) throw again;
      await download.part.restart(null);
      throw broken(download, again);
    });
  }
}

async function attempt(download: FileDownload): Promise<void> {
  const { url, file, part, onLoaded, onRetrying } = download;
  if (part.sizeBytes > file.sizeBytes) throw new Mismatch(`${part.sizeBytes} bytes instead of ${file.sizeBytes}`);
  let hasher = await hasherOf(part, file);
  // `If-Range` needs leave by CORS, which not every origin gives; the hash decides in the end anyway.
  let mayAskIfRange = true;

  const restart = async (etag: string | null) => {
    await part.restart(etag);
    hasher = await createHasher(file);
    onLoaded(0);
  };

  const request = async (): Promise<Connection> => {
    const ifRange = mayAskIfRange && part.sizeBytes > 0 && isStrong(part.etag) ? part.etag : null;
    const range = part.sizeBytes > 0 ? { range: `bytes=${part.sizeBytes}-` } : {};
    try {
      return await send(url, { ...range, ...(ifRange && { "if-range": ifRange }) }, download);
    } catch (cause) {
      if (!ifRange || (cause instanceof Passing && cause.retryAfterMs !== null)) throw cause;
      mayAskIfRange = false;
      return send(url, range, download);
    }
  };

  /** The rest, from one connection. */
  const receive = async ({ response, expectMore }: Connection): Promise<void> => {
    const etag = response.headers.get("etag");
    if (response.status === 206) {
      const otherVersion = etag !== null && part.etag !== null && etag !== part.etag;
      if (otherVersion || !startsAt(response, part.sizeBytes)) {
        await restart(null);
        throw new Passing("has another version than before", 0);
      }
    } else if (response.status === 416) {
      throw new Mismatch(`${part.sizeBytes} bytes or fewer instead of ${file.sizeBytes}`);
    } else if (response.ok) {
      await restart(etag);
    } else {
      throw new VaultError(
        "model-unavailable",
        `${new URL(url).origin} does not give ${file.path} away (status ${response.status}). ` +
          "Check the model's name and revision, or choose another model.",
      );
    }
    for await (const chunk of chunksOf(response, expectMore)) {
      if (part.sizeBytes + chunk.byteLength > file.sizeBytes) throw new Mismatch(`more than ${file.sizeBytes} bytes`);
      await part.append(chunk);
      hasher.update(chunk);
      onLoaded(part.sizeBytes);
      onRetrying?.(null);
    }
    if (part.sizeBytes === file.sizeBytes) return;
    if (response.status === 206) throw new Passing("ended the transfer early", 0);
    throw new Mismatch(`${part.sizeBytes} bytes instead of ${file.sizeBytes}`);
  };

  const complete = async (): Promise<void> => {
    if (part.sizeBytes === file.sizeBytes) return;
    const connection = await request();
    try {
      await receive(connection);
    } finally {
      connection.close();
    }
  };

  onLoaded(part.sizeBytes);
  await withRetries(url, download, complete, () => part.sizeBytes);
  if (!hasher.matches()) throw new Mismatch("another hash");
  await part.publish(file);
}

/** The chunks of a body; a connection that breaks or stalls is `Passing`. */
async function* chunksOf({ body }: Response, expectMore: () => void): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = body?.getReader();
  for (;;) {
    expectMore();
    const next = await reader?.read().catch((cause: unknown) => {
      throw asPassing("broke off the transfer", cause);
    });
    if (!next || next.done) return;
    yield next.value;
  }
}

/** Of what is in a part already. */
async function hasherOf(part: PartFile, file: ModelFile): Promise<Hasher> {
  const hasher = await createHasher(file);
  if (part.sizeBytes === 0) return hasher;
  const reader = (await part.read()).stream().getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) hasher.update(next.value);
  return hasher;
}

/** `W/"…"` says that versions mean the same, not that their bytes do. */
const isStrong = (etag: string | null): etag is string => etag?.startsWith('"') === true;

/** True where CORS hides the header. */
function startsAt({ headers }: Response, byte: number): boolean {
  const range = headers.get("content-range");
  return range === null || range.startsWith(`bytes ${byte}-`);
}

const broken = ({ url, file }: FileDownload, { message }: Mismatch): VaultError =>
  new VaultError(
    "model-broken",
    `${file.path} from ${new URL(url).origin} is not what its owner published (${message}). ` +
      "It is not kept. Try again later; if there is a new version of the model, delete this one first.",
  );
