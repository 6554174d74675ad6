import type { Page } from "playwright/test";

/** All that the log's database holds, by store; lines as text. */
export const stored = (page: Page): Promise<Record<string, unknown[]>> =>
  page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const opening = indexedDB.open("minivault");
        opening.onerror = reject;
        opening.onsuccess = () => {
          const db = opening.result;
          const tx = db.transaction(db.objectStoreNames);
          const readings = [...db.objectStoreNames].map((name) => [name, tx.objectStore(name).getAll()] as const);
          tx.oncomplete = () => {
            db.close();
            const rows = Object.fromEntries(readings.map(([name, { result }]) => [name, result]));
            const text = new TextDecoder();
            resolve({
              ...rows,
              logs: rows["logs"]!.map((row) => ({ ...row, line: row.line && text.decode(row.line) })),
            });
          };
        };
      }),
  );

/** Changes what is stored of the first record, behind the log's back. */
export const flipBit = (page: Page, what: "line" | "sealed", at: number): Promise<void> =>
  page.evaluate(
    ([what, at]) =>
      new Promise((resolve) => {
        const opening = indexedDB.open("minivault");
        opening.onsuccess = () => {
          const db = opening.result;
          const tx = db.transaction("logs", "readwrite");
          const reading = tx.objectStore("logs").openCursor();
          reading.onsuccess = () => {
            const cursor = reading.result!;
            const { line, sealed } = cursor.value;
            (what === "line" ? line : sealed.data)[at] ^= 1;
            cursor.update(cursor.value);
          };
          tx.oncomplete = () => {
            db.close();
            resolve();
          };
        };
      }),
    [what, at] as const,
  );
