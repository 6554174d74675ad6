import type { Page } from "playwright/test";
import { SCHEMA_3 } from "../fixtures/old-records.ts";
import { expect, generate, stopServiceWorker, test } from "./harness.ts";
import { flipBit } from "./stored.ts";

test.use({ fakeEngine: true });

/** Three segments whole, and a part of one. */
const RECORDS = 1_600;
/** Where one word occurs: in each segment, at edges of segments, and in what is not indexed. */
const PLACES = [0, 5, 510, 511, 512, 700, 1022, 1023, 1400, 1599];
const idOf = (place: number) => `record-of-place-${place}`;
const IDS = PLACES.map(idOf);

/** Their times do not rise with their keys: all segments overlap. */
const fill = (page: Page) =>
  page.evaluate(
    async ({ template, records, places }) => {
      const lines = Array.from({ length: records }, (_, place) => {
        const ns = `${BigInt(template.timestamp_ns) + BigInt((place * 1009) % records)}`;
        const response = `an answer ${places.includes(place) ? "with a Needle" : "like others"} of ${place}`;
        return JSON.stringify({ ...template, id: `record-of-place-${place}`, timestamp_ns: ns, response });
      });
      await fetch("/logs/import", { method: "POST", body: lines.join("\n") });
    },
    { template: SCHEMA_3, records: RECORDS, places: PLACES },
  );

/** Segments that have their words in the database, all of their shards. */
const indexed = (page: Page) =>
  page.evaluate(
    () =>
      new Promise<number[]>((resolve, reject) => {
        const opening = indexedDB.open("minivault");
        opening.onerror = reject;
        opening.onsuccess = () => {
          const db = opening.result;
          const words = db.transaction("words").objectStore("words").getAllKeys();
          words.onsuccess = () => {
            db.close();
            const segments = (words.result as [number, number][]).map(([, segment]) => segment);
            resolve([...new Set(segments)].filter((one) => segments.filter((other) => other === one).length === 16));
          };
        };
      }),
  );

const idsOf = (page: Page, search: string) =>
  page.evaluate(async (search) => {
    const text = await (await fetch(`/logs?${search}`)).text();
    return text
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { id: string; timestamp_ns: string })
      .map(({ id, timestamp_ns }) => ({ id, cursor: `${timestamp_ns}:${id}` }));
  }, search);

/** What is left of a tab that died while it indexed. */
const claim = (page: Page, segment: number) =>
  page.evaluate(
    (segment) =>
      new Promise<void>((resolve, reject) => {
        const opening = indexedDB.open("minivault");
        opening.onerror = reject;
        opening.onsuccess = () => {
          const tx = opening.result.transaction("segments", "readwrite");
          tx.objectStore("segments").put({ segment, claim: "dead", fromNs: "", toNs: "", rows: 0, unread: [] });
          tx.oncomplete = () => {
            opening.result.close();
            resolve();
          };
        };
      }),
    segment,
  );

const remove = (page: Page, id: string) => page.evaluate((id) => fetch(`/logs/${id}`, { method: "DELETE" }), id);

const byTime = (ids: readonly string[]) => {
  const at = (id: string) => (Number(id.replace("record-of-place-", "")) * 1009) % RECORDS;
  return ids.toSorted((a, b) => at(a) - at(b));
};

/** The same in both orders, whole and in pages, and with a filter more. */
async function expectFound(page: Page, ids: readonly string[]): Promise<void> {
  const expected = byTime(ids);
  for (const order of ["asc", "desc"] as const) {
    const inOrder = order === "asc" ? expected : expected.toReversed();
    const query = `q=needle+answer&order=${order}`;
    expect((await idsOf(page, query)).map(({ id }) => id)).toEqual(inOrder);
    expect((await idsOf(page, `${query}&model=minivault-demo&limit=3`)).map(({ id }) => id)).toEqual(
      inOrder.slice(0, 3),
    );
    const paged: string[] = [];
    for (let cursor = ""; ; ) {
      const some = await idsOf(page, `${query}&limit=2${cursor}`);
      paged.push(...some.map(({ id }) => id));
      const last = some.at(-1);
      if (!last) break;
      cursor = `&cursor=${last.cursor}`;
    }
    expect(paged).toEqual(inOrder);
  }
  expect(await idsOf(page, "q=needle+absent")).toEqual([]);
}

test("words are found in a log of several segments, before and after they are indexed, deleted ones never again", async ({
  vault,
  context,
}) => {
  await claim(vault, 1);
  await fill(vault);
  await expectFound(vault, IDS);
  await expect.poll(() => indexed(vault)).toEqual([0, 1, 2]);
  await expectFound(vault, IDS);

  await remove(vault, idOf(700));
  expect(await indexed(vault)).toEqual([0, 2]); // no word of a segment is left of which a record was deleted
  await remove(vault, idOf(1599));
  const left = IDS.filter((id) => id !== idOf(700) && id !== idOf(1599));
  await expectFound(vault, left);
  await expect.poll(() => indexed(vault)).toEqual([0, 1, 2]);
  await expectFound(vault, left);

  await stopServiceWorker(context, vault);
  await expectFound(vault, left);
});

test("a damaged record keeps no other from being indexed", async ({ vault }) => {
  await fill(vault);
  await expect.poll(() => indexed(vault)).toEqual([0, 1, 2]);
  await flipBit(vault, "line", 0);
  await remove(vault, idOf(5)); // its segment is indexed anew, the damaged one in it
  expect(await indexed(vault)).toEqual([1, 2]);
  await expect.poll(() => indexed(vault)).toEqual([0, 1, 2]);
  await remove(vault, idOf(0));
  await expectFound(vault, IDS.slice(2));
});

test("what a version without words has changed is found, and what it has deleted leaves no words", async ({
  vault,
}) => {
  await fill(vault);
  await expect.poll(() => indexed(vault)).toEqual([0, 1, 2]);
  await vault.evaluate(
    () =>
      new Promise<void>((resolve, reject) => {
        const opening = indexedDB.open("minivault");
        opening.onerror = reject;
        opening.onsuccess = () => {
          const tx = opening.result.transaction(["logs", "size"], "readwrite");
          tx.objectStore("logs").delete(6); // with a needle
          const size = tx.objectStore("size").get("size");
          size.onsuccess = () =>
            tx.objectStore("size").put({ ...size.result, records: size.result.records - 1 }, "size");
          tx.oncomplete = () => {
            opening.result.close();
            resolve();
          };
        };
      }),
  );
  expect((await generate(vault, { prompt: "a", max_new_tokens: 3 })).status).toBe(200);
  expect(await indexed(vault)).toEqual([]);
  const left = IDS.filter((id) => id !== idOf(5));
  await expectFound(vault, left);
  await expect.poll(() => indexed(vault)).toEqual([0, 1, 2]);
  await expectFound(vault, left);
});

test("words that an earlier version cut in another way are found, and are indexed anew with the next record", async ({
  vault,
}) => {
  await fill(vault);
  await expect.poll(() => indexed(vault)).toEqual([0, 1, 2]);
  /** As it was before there were rules, without the words that a query asks for now. */
  const segments = (change: boolean) =>
    vault.evaluate(
      (change) =>
        new Promise<(number | undefined)[]>((resolve, reject) => {
          const opening = indexedDB.open("minivault");
          opening.onerror = reject;
          opening.onsuccess = () => {
            const tx = opening.result.transaction(["segments", "words"], "readwrite");
            const rows = tx.objectStore("segments").getAll();
            rows.onsuccess = () => {
              for (const { rules: _, ...row } of change ? rows.result : []) tx.objectStore("segments").put(row);
            };
            const words = tx.objectStore("words").getAll();
            words.onsuccess = () => {
              const none = { hashes: new Uint32Array(), ends: new Uint32Array(), places: new Uint16Array() };
              for (const row of change ? words.result : []) tx.objectStore("words").put({ ...row, ...none });
            };
            tx.oncomplete = () => {
              opening.result.close();
              resolve(rows.result.map(({ rules }) => rules));
            };
          };
        }),
      change,
    );
  await segments(true);
  await expectFound(vault, IDS);
  expect((await generate(vault, { prompt: "a", max_new_tokens: 3 })).status).toBe(200);
  await expect.poll(() => segments(false)).toEqual([2, 2, 2]);
  await expectFound(vault, IDS);
});
