import { VaultError } from "../core/errors.ts";
import type { FileHash, ModelEntry, ModelFile } from "./model-entry.ts";
import { asPassing, type RetryOptions, send, withRetries } from "./retry.ts";

/** Where files come from. */
export interface Origins {
  /** Of the hub, without a slash at its end. */
  readonly hub: string;
  /** Of the app. */
  readonly baseUrl: string;
}

export function fileUrl({ source, repo, revision }: ModelEntry, path: string, { hub, baseUrl }: Origins): string {
  return source === "hub"
    ? `${hub}/${escaped(repo)}/resolve/${encodeURIComponent(revision)}/${escaped(path)}`
    : new URL(`models/${escaped(repo)}/${escaped(path)}`, baseUrl).href;
}

/**
 * All files of a repository, with their hashes. https://huggingface.co/docs/hub/api
 * Rejects with `model-not-found` or `model-unavailable`.
 */
export async function fetchTree(
  { repo, revision }: ModelEntry,
  { hub }: Origins,
  options: RetryOptions,
): Promise<ModelFile[]> {
  const url = `${hub}/api/models/${escaped(repo)}/tree/${encodeURIComponent(revision)}?recursive=true`;
  return withRetries(url, options, async () => {
    const { response, close } = await send(url, {}, options);
    try {
      // The hub does not tell strangers whether a repository is private or not there at all: 401.
      if ([401, 403, 404].includes(response.status)) {
        throw new VaultError(
          "model-not-found",
          `${new URL(hub).origin} has no public model ${repo} (revision ${revision}). Check its spelling: owner/name.`,
        );
      }
      const text = await response.text().catch((cause: unknown) => {
        throw asPassing("broke off its answer", cause);
      });
      return readTree(text, url);
    } finally {
      close();
    }
  });
}

function readTree(text: string, url: string): ModelFile[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw strangeAnswer(url);
  }
  const files = Array.isArray(json) ? json.filter((entry) => isRecord(entry) && entry["type"] === "file") : null;
  if (!files) throw strangeAnswer(url);
  return files.map((entry) => {
    const { path, size, oid, lfs } = entry as Record<string, unknown>;
    if (typeof path !== "string" || typeof size !== "number" || !Number.isSafeInteger(size)) throw strangeAnswer(url);
    return { path, sizeBytes: size, hash: hashOf(oid, isRecord(lfs) ? lfs["oid"] : undefined) };
  });
}

/** Of a large file `oid` is the hash of a pointer to it, not of the file. */
function hashOf(oid: unknown, lfsOid: unknown): FileHash | null {
  if (typeof lfsOid === "string" && /^[\da-f]{64}$/.test(lfsOid)) return { type: "sha256", hex: lfsOid };
  if (lfsOid === undefined && typeof oid === "string" && /^[\da-f]{40}$/.test(oid)) {
    return { type: "git-sha1", hex: oid };
  }
  return null;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

const escaped = (path: string): string => path.split("/").map(encodeURIComponent).join("/");

const strangeAnswer = (url: string): VaultError =>
  new VaultError(
    "model-unavailable",
    `What ${url} sends is not the list of a model's files. Check the hub's address in minivault.config.json.`,
  );
