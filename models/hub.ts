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
  const files: ModelFile[] = [];
  let url: string | null = `${hub}/api/models/${escaped(repo)}/tree/${encodeURIComponent(revision)}?recursive=true`;
  for (let pages = 0; url !== null && pages < MAX_PAGES; pages++) {
    const page: TreePage = await fetchPage(url, { repo, revision }, options);
    files.push(...page.files);
    url = page.next;
  }
  return files;
}

/** Of 1,000 entries each: what has more is no model. */
const MAX_PAGES = 50;

interface TreePage {
  readonly files: readonly ModelFile[];
  readonly next: string | null;
}

async function fetchPage(
  url: string,
  { repo, revision }: Pick<ModelEntry, "repo" | "revision">,
  options: RetryOptions,
): Promise<TreePage> {
  return withRetries(url, options, async () => {
    const { response, close } = await send(url, {}, options);
    try {
      // The hub does not tell strangers whether a repository is private or not there at all: 401.
      if ([401, 403, 404].includes(response.status)) {
        throw new VaultError(
          "model-not-found",
          `${new URL(url).origin} has no public model ${repo} (revision ${revision}). Check its spelling: owner/name.`,
        );
      }
      const text = await response.text().catch((cause: unknown) => {
        throw asPassing("broke off its answer", cause);
      });
      return { files: readTree(text, url), next: nextPage(response.headers.get("link"), url) };
    } finally {
      close();
    }
  });
}

/** Of the same origin, as far as we follow. https://www.rfc-editor.org/rfc/rfc8288 */
function nextPage(link: string | null, url: string): string | null {
  const [, target] = /<([^>]*)>\s*;[^,]*\brel="?next"?/.exec(link ?? "") ?? [];
  const next = target && URL.canParse(target, url) ? new URL(target, url) : null;
  return next?.origin === new URL(url).origin ? next.href : null;
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
