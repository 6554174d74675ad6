import { mkdir, open, readdir, readFile, rm, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { AnswerSoFar } from "../../core/answer-so-far.ts";
import type { LogRecord } from "../../core/log/log-record.ts";
import { withoutGaps } from "../../core/log/without-gaps.ts";
import type { TokenEvent } from "../../core/protocol.ts";
import { randomId } from "../../core/random-id.ts";

/** What a process writes of exchanges that are going on, each a line. */
export type OpenLine =
  | { readonly type: "begun"; readonly record: LogRecord }
  | { readonly type: "said"; readonly id: string; readonly events: readonly TokenEvent[] }
  | { readonly type: "closed"; readonly id: string };

/** A file that was not touched for so long is that of a process that died, where its id does not tell. */
const DEAD_MS = 10_000;
const TOUCH_MS = 2_000;
const NAME = /^(\d+)@(.+)@[\w-]+\.jsonl$/;

/** A file of a process of its own, so that the next one knows what it left open. */
export function createOpenRecords(folder: string) {
  const name = `${process.pid}@${hostname()}@${randomId()}.jsonl`;
  const path = join(folder, name);
  let touching: NodeJS.Timeout | undefined;

  return {
    async write(lines: readonly OpenLine[]): Promise<void> {
      await mkdir(folder, { recursive: true });
      const file = await open(path, "a");
      try {
        await file.appendFile(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
        await file.datasync();
      } finally {
        await file.close();
      }
      touching ??= setInterval(() => void utimes(path, new Date(), new Date()).catch(() => {}), TOUCH_MS).unref();
    },
    /** Nothing is open. */
    async clear(): Promise<void> {
      clearInterval(touching);
      touching = undefined;
      await rm(path, { force: true });
    },
    /** Closes what dead processes left open as `interrupted`; their files go once `store` has settled. */
    async recover(store: (records: readonly LogRecord[]) => Promise<void>): Promise<void> {
      for (const other of await readdir(folder).catch(() => [])) {
        const file = join(folder, other);
        if (other === name || (await isAlive(file, other))) continue;
        await store(leftOpen(await readFile(file, "utf8")));
        await rm(file, { force: true });
      }
    },
  };
}

async function isAlive(file: string, name: string): Promise<boolean> {
  const [, pid, host] = NAME.exec(name) ?? [];
  const found = await stat(file).catch(() => null);
  if (!pid || !found) return true; // none of ours, or another one has just taken it up
  if (host === hostname() && !isRunning(Number(pid))) return false;
  return Date.now() - found.mtimeMs < DEAD_MS;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "EPERM";
  }
}

function leftOpen(text: string): LogRecord[] {
  const open = new Map<string, { readonly record: LogRecord; readonly events: TokenEvent[] }>();
  for (const line of text.split("\n").slice(0, -1)) {
    const entry = JSON.parse(line) as OpenLine;
    if (entry.type === "begun") open.set(entry.record.id, { record: entry.record, events: [] });
    else if (entry.type === "said") open.get(entry.id)?.events.push(...entry.events);
    else open.delete(entry.id);
  }
  return [...open.values()].map(({ record, events }) => {
    const answer = new AnswerSoFar();
    for (const event of withoutGaps(events)) answer.add(event);
    return { ...record, ...(answer.start && answer.fields()), finish_reason: "interrupted" };
  });
}
