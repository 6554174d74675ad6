import { randomId } from "../core/random-id.ts";

const ROOT = "minivault-models";

/** A worker that was ended holds its files for a moment longer. */
const LOCKED_MS = 5_000;
const LOCKED_POLL_MS = 20;

/** `move()` is not in the standard yet, but wherever access handles are: https://github.com/whatwg/fs/pull/10 */
interface FileHandle extends FileSystemFileHandle {
  move(folder: FileSystemDirectoryHandle, name: string): Promise<void>;
}

/**
 * Any name as that of one folder or file, and back. Dots are encoded since `.` and `..` are no names; capitals, since
 * macOS does not tell them from small letters, and WebKit keeps these names on the disk.
 */
export const encodeName = (name: string): string =>
  encodeURIComponent(name).replace(/%..|[^a-z0-9_-]/g, (found) =>
    found.startsWith("%") ? found.toLowerCase() : `%${found.charCodeAt(0).toString(16)}`,
  );

export const decodeName = (encoded: string): string => decodeURIComponent(encoded);

/** Looked up each time: whoever clears the site's data takes the folders from under the handles. */
export async function folderAt(names: readonly string[], options?: FileSystemGetDirectoryOptions) {
  let folder = await (await navigator.storage.getDirectory()).getDirectoryHandle(ROOT, options);
  for (const name of names) folder = await folder.getDirectoryHandle(encodeName(name), options);
  return folder;
}

export const fileIn = async (folder: FileSystemDirectoryHandle, name: string, options?: FileSystemGetFileOptions) =>
  (await folder.getFileHandle(name, options)) as FileHandle;

/** As they are in there; none if there is no such folder. */
export async function namesIn(path: readonly string[], kind: FileSystemHandleKind): Promise<string[]> {
  const folder = await orNull(() => folderAt(path));
  const names: string[] = [];
  if (folder) for await (const entry of folder.values()) if (entry.kind === kind) names.push(entry.name);
  return names;
}

export async function removeFrom(folder: FileSystemDirectoryHandle | null, name: string): Promise<void> {
  await orNull(async () => folder?.removeEntry(name, { recursive: true }));
}

/** One at a time has access to a file. */
export async function accessTo(handle: FileSystemFileHandle): Promise<FileSystemSyncAccessHandle> {
  const until = Date.now() + LOCKED_MS;
  for (;;) {
    try {
      return await handle.createSyncAccessHandle();
    } catch (cause) {
      if (!hasName(cause, "NoModificationAllowedError") || Date.now() > until) throw cause;
      await new Promise((resolve) => setTimeout(resolve, LOCKED_POLL_MS));
    }
  }
}

/** All of it or nothing: some browsers throw when the disk is full, others write what still fits. */
export function writeAt(access: FileSystemSyncAccessHandle, chunk: Uint8Array<ArrayBuffer>, at: number): void {
  let writtenBytes = 0;
  try {
    writtenBytes = access.write(chunk, { at });
  } finally {
    if (writtenBytes < chunk.byteLength) access.truncate(at);
  }
  if (writtenBytes < chunk.byteLength) {
    throw new DOMException(`${writtenBytes} of ${chunk.byteLength} bytes were written.`, "QuotaExceededError");
  }
}

/** Replaces a small file as a whole. */
export async function writeText(folder: FileSystemDirectoryHandle, name: string, text: string): Promise<void> {
  const scratch = await fileIn(folder, `${randomId()}.tmp`, { create: true });
  const access = await scratch.createSyncAccessHandle();
  try {
    writeAt(access, new TextEncoder().encode(text), 0);
    access.flush();
  } finally {
    access.close();
  }
  await moveOver(scratch, folder, name);
}

/** Firefox and Safari used to refuse to replace a file: https://github.com/whatwg/fs/pull/10 */
export async function moveOver(file: FileHandle, folder: FileSystemDirectoryHandle, name: string): Promise<void> {
  try {
    await file.move(folder, name);
  } catch {
    await removeFrom(folder, name);
    await file.move(folder, name);
  }
}

/** `null`: there is no such file or folder. */
export async function orNull<T>(find: () => Promise<T>): Promise<T | null> {
  try {
    return await find();
  } catch (cause) {
    if (hasName(cause, "NotFoundError")) return null;
    throw cause;
  }
}

const hasName = (cause: unknown, name: string): boolean => cause instanceof Error && cause.name === name;
