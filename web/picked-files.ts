import type { PickedFile } from "../core/protocol.ts";

/** Of an input for files, or for a folder. */
export const filesOf = (input: HTMLInputElement): PickedFile[] =>
  Array.from(input.files ?? [], (file) => ({ path: file.webkitRelativePath || file.name, file }));

/** More is no model: somebody dropped a home folder. */
const MAX_FILES = 2_000;

/**
 * What was dropped, folders with all that is in them. To be called while the event is handled: the list is empty
 * afterwards. https://html.spec.whatwg.org/multipage/dnd.html#concept-dnd-p
 */
export function droppedFiles({ items, files }: DataTransfer): Promise<PickedFile[]> {
  const entries = Array.from(items, (item) => item.webkitGetAsEntry?.()).filter((entry) => entry != null);
  if (entries.length === 0) return Promise.resolve(Array.from(files, (file) => ({ path: file.name, file })));
  return walk(entries);
}

async function walk(entries: FileSystemEntry[]): Promise<PickedFile[]> {
  const picked: PickedFile[] = [];
  const left = [...entries];
  for (let entry = left.shift(); entry && picked.length < MAX_FILES; entry = left.shift()) {
    if (entry.isFile) picked.push({ path: entry.fullPath.replace(/^\//, ""), file: await fileOf(entry) });
    else if (!entry.name.startsWith(".")) left.push(...(await entriesIn(entry as FileSystemDirectoryEntry)));
  }
  return picked;
}

const fileOf = (entry: FileSystemEntry) =>
  new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));

/** A reader gives up to 100 at a time, and none at the end. */
async function entriesIn(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all;
    all.push(...some);
  }
}
