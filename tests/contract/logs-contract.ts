import { assert } from "chai";
import { unzipSync } from "fflate";
import type { LogRecord } from "../../core/log/log-record.ts";
import { SCHEMA_2, SCHEMA_3 } from "../fixtures/old-records.ts";
import {
  type ContractCase,
  closedRecord,
  generate,
  isProblem,
  json,
  jsonLines,
  newId,
  PARIS,
  post,
  type Send,
  STORY,
} from "./contract-case.ts";

const linesAt = async (send: Send, path: string): Promise<LogRecord[]> => {
  const response = await send(path);
  assert.equal(response.status, 200, path);
  return jsonLines<LogRecord>(await response.text());
};
const idsAt = async (send: Send, path: string) => (await linesAt(send, path)).map(({ id }) => id);

/** A model that nobody else asks for, so that a case finds its own records. */
const records = (model: string, count: number): LogRecord[] =>
  Array.from({ length: count }, (_, place) => ({
    ...SCHEMA_3,
    schema: 5,
    prev_hash: "1".repeat(64),
    salt: "",
    redacted: 0,
    instruction: false,
    tokens: null,
    id: crypto.randomUUID(),
    model,
    timestamp: `2026-11-${10 + place}T12:00:00.000Z`,
    timestamp_ns: `${BigInt(Date.UTC(2026, 10, 10 + place, 12)) * 1_000_000n}`,
    duration_ms: 100 * (place + 1),
    response: `Answer number ${place}: 中文`,
    usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
  }));
const asLines = (values: readonly object[]) => values.map((value) => `${JSON.stringify(value)}\n`).join("");
const importLines = (send: Send, body: BodyInit) => send("/logs/import", { method: "POST", body });

export const LOGS_CONTRACT: readonly ContractCase[] = [
  {
    name: "GET /logs finds by time, model, mode, end and words, and goes on behind a cursor",
    async run(send) {
      const model = newId();
      const stored = records(model, 9);
      const ids = stored.map(({ id }) => id);
      await importLines(send, asLines(stored));
      const mine = `/logs?model=${model}`;
      assert.deepEqual(await idsAt(send, mine), ids);
      assert.deepEqual(await idsAt(send, `${mine}&order=desc`), ids.toReversed());
      assert.deepEqual(await idsAt(send, `${mine}&from=2026-11-12&to=2026-11-14`), ids.slice(2, 4));
      assert.deepEqual(await idsAt(send, `${mine}&from=2026-11-12T13:00:00.000%2B01:00&limit=1`), [ids[2]]);
      assert.deepEqual(await idsAt(send, `${mine}&to=1999-01-01`), []);
      assert.deepEqual(await idsAt(send, `${mine}&mode=full`), []);
      assert.deepEqual(await idsAt(send, `${mine}&mode=stream&finish_reason=stop`), ids);
      assert.deepEqual(await idsAt(send, `${mine}&finish_reason=open`), []);
      assert.deepEqual(await idsAt(send, `${mine}&q=NUMBER+5+capital`), [ids[5]]);
      assert.deepEqual(await idsAt(send, `${mine}&q=文`), ids);
      assert.deepEqual(await idsAt(send, `${mine}&q=numb`), []);
      assert.deepEqual(await idsAt(send, "/logs?from=2026-11-12&to=2026-11-11"), []);

      const gone = `cursor=${stored[5]?.timestamp_ns}:~`; // of a record that was deleted: any id comes before this one
      assert.deepEqual(await idsAt(send, `${mine}&${gone}`), ids.slice(6));
      for (const order of ["asc", "desc"]) {
        const seen: string[] = [];
        for (let cursor = ""; ; ) {
          const page = await linesAt(send, `${mine}&order=${order}&limit=4${cursor}`);
          seen.push(...page.map(({ id }) => id));
          const last = page.at(-1);
          if (!last) break;
          cursor = `&cursor=${last.timestamp_ns}:${last.id}`;
        }
        assert.deepEqual(seen, order === "asc" ? ids : ids.toReversed());
      }
      for (const query of ["from=yesterday", "to=2026-13-01", "mode=both", "finish_reason=none", "cursor=5"]) {
        await isProblem(await send(`/logs?${query}`), 400, "bad-request");
      }
    },
  },
  {
    name: "GET and DELETE /logs/{id} are about one record, DELETE /logs?before= about old ones",
    async run(send) {
      const requestId = newId();
      const { id } = await generate(send, { prompt: PARIS }, { "x-request-id": requestId });
      assert.deepEqual(await json(await send(`/logs/${id}`)), await closedRecord(send, requestId));
      const deleted = await send(`/logs/${id}`, { method: "DELETE" });
      assert.deepEqual([deleted.status, await deleted.text()], [204, ""]);
      await isProblem(await send(`/logs/${id}`), 404, "not-found");
      await isProblem(await send(`/logs/${id}`, { method: "DELETE" }), 404, "not-found");
      assert.notInclude(await idsAt(send, "/logs"), id);

      const model = newId();
      await importLines(send, asLines(records(model, 5)));
      const narrower = await send(`/logs?before=2026-11-12&model=${model}`, { method: "DELETE" });
      await isProblem(narrower, 400, "bad-request"); // and not: all that is older, of whichever model
      assert.lengthOf(await linesAt(send, `/logs?model=${model}`), 5);
      const answer = await json(await send("/logs?before=2026-11-12", { method: "DELETE" }));
      assert.isAtLeast(answer.deleted, 2);
      assert.lengthOf(await linesAt(send, `/logs?model=${model}`), 3);
      await isProblem(await send("/logs", { method: "DELETE" }), 400, "bad-request");
      await isProblem(await send("/logs?before=now", { method: "DELETE" }), 400, "bad-request");
    },
  },
  {
    name: "a record that is open is found, and cannot be deleted before its end",
    async run(send) {
      const body = { prompt: STORY, temperature: 5, seed: 5, max_new_tokens: 100_000, stream: true }; // until the context is full
      const answer = await post(send, "/generate", body, { "x-request-id": newId() });
      const reader = answer.body?.getReader() ?? assert.fail("no body");
      await reader.read();
      const [open] = await linesAt(send, "/logs?finish_reason=open");
      assert.isOk(open);
      await isProblem(await send(`/logs/${open?.id}`, { method: "DELETE" }), 409, "log-busy");
      await reader.cancel();
      assert.equal((await closedRecord(send, open?.request_id ?? "")).finish_reason, "cancelled");
      assert.equal((await send(`/logs/${open?.id}`, { method: "DELETE" })).status, 204);
    },
  },
  {
    name: "GET /logs/export is a file: JSONL, compressed, CSV, or a ZIP of days; and what it has can be imported again",
    async run(send) {
      const model = newId();
      const stored = records(model, 3);
      const lines = asLines(stored);
      assert.deepEqual(await json(await importLines(send, lines)), { imported: 3, skipped: 0 });
      const file = async (format: string, type: string) => {
        const response = await send(`/logs/export?format=${format}&model=${model}`);
        assert.equal(response.headers.get("content-type"), type, response.ok ? "" : await response.text());
        const name = response.headers.get("content-disposition") ?? "";
        assert.match(name, new RegExp(`^attachment; filename="minivault-logs-\\d{4}-\\d\\d-\\d\\d\\.${format}"$`));
        return response;
      };
      assert.equal(await (await file("jsonl", "application/x-ndjson")).text(), lines);
      assert.equal(await (await send(`/logs/export?model=${model}`)).text(), lines);

      const zipped = await (await file("jsonl.gz", "application/gzip")).arrayBuffer();
      const plain = new Blob([zipped]).stream().pipeThrough(new DecompressionStream("gzip"));
      assert.equal(await new Response(plain).text(), lines);

      const csv = await (await file("csv", "text/csv; charset=utf-8")).text();
      assert.match(csv, /^schema,id,prev_hash,/);
      assert.lengthOf(csv.trimEnd().split("\r\n"), 4);

      const zip = unzipSync(new Uint8Array(await (await file("zip", "application/zip")).arrayBuffer()));
      assert.deepEqual(
        Object.entries(zip).map(([name, bytes]) => [name, new TextDecoder().decode(bytes)]),
        stored.map((record) => [`${record.timestamp.slice(0, 10)}.jsonl`, asLines([record])]),
      );
      await isProblem(await send("/logs/export?format=xls"), 400, "bad-request");

      for (const { id } of stored) await send(`/logs/${id}`, { method: "DELETE" });
      const headers = { "content-type": "application/gzip" };
      const again = await send("/logs/import", { method: "POST", body: zipped, headers });
      assert.deepEqual(await json(again), { imported: 3, skipped: 0 });
      assert.equal(await (await send(`/logs/export?model=${model}`)).text(), lines);
    },
  },
  {
    name: "POST /logs/import skips what is there, takes older schemas, and names bad lines",
    async run(send) {
      const model = newId();
      const [first, second, third] = records(model, 3) as [LogRecord, LogRecord, LogRecord];
      assert.deepEqual(await json(await importLines(send, asLines([first]))), { imported: 1, skipped: 0 });
      assert.deepEqual(await json(await importLines(send, asLines([first, second, second]))), {
        imported: 1,
        skipped: 2,
      });
      assert.deepEqual(await json(await importLines(send, "")), { imported: 0, skipped: 0 });

      const old = { ...SCHEMA_2, id: crypto.randomUUID(), model };
      assert.deepEqual(await json(await importLines(send, `\n${asLines([old]).trim()}`)), { imported: 1, skipped: 0 });
      assert.equal((await json<LogRecord>(await send(`/logs/${old.id}`))).schema, 5);

      const bad = `${asLines([third])}{"schema": 4}\nnot json\n[]\n`;
      const { detail } = await isProblem(await importLines(send, bad), 400, "bad-import");
      assert.match(detail, /line 2 \(id: .*\); line 3 \(not JSON\); line 4 \(not an object\)/);
      assert.match(detail, /0 records were imported, 0 were here already, 1 were left out/);
      await isProblem(await send(`/logs/${third.id}`), 404, "not-found");
    },
  },
  {
    name: "POST /logs/import takes gzip files that were joined, whatever type is told; what is cut or broken is a 400 that says where",
    async run(send) {
      const zip = async (values: readonly object[]) => {
        const zipping = new Blob([asLines(values)]).stream().pipeThrough(new CompressionStream("gzip"));
        return new Uint8Array(await new Response(zipping).arrayBuffer());
      };
      const importParts = (parts: Uint8Array<ArrayBuffer>[], type: string) =>
        send("/logs/import", { method: "POST", body: new Blob(parts), headers: { "content-type": type } });
      const model = newId();
      const stored = records(model, 9).map((record) => ({ ...record, salt: crypto.randomUUID().repeat(20) }));
      const members = await Promise.all([zip(stored.slice(0, 4)), zip([]), zip(stored.slice(4))]);
      for (const type of ["application/gzip", "application/x-gzip", "application/octet-stream"]) {
        const answer = await json(await importParts(members, type));
        assert.equal(answer.imported + answer.skipped, 9, type);
      }
      assert.deepEqual(
        await idsAt(send, `/logs?model=${model}`),
        stored.map(({ id }) => id),
      );

      const whole = await zip(records(newId(), 9));
      const flipped = whole.slice();
      flipped[whole.length - 6]! ^= 1; // of the checksum
      const broken: [Uint8Array<ArrayBuffer>[], RegExp][] = [
        [[members[0]!, whole.slice(0, -1)], /line \d+ \(the gzip data is cut or broken before byte \d+\)/],
        [[whole.slice(0, 40)], /line 1 \(the gzip data is cut or broken before byte 40\)/],
        [[flipped], /\(the gzip data is cut or broken before byte \d+\)/],
        [[new TextEncoder().encode("PK\u0003\u0004")], /line 1 \(not JSON\)/],
        [[Uint8Array.of(0x22, 0xff, 0x22)], /line 1 \(not UTF-8\)/],
      ];
      for (const [parts, where] of broken) {
        const { detail } = await isProblem(await importParts(parts, "application/gzip"), 400, "bad-import");
        assert.match(detail, where);
      }
    },
  },
  {
    name: "GET /logs/stats has counts, tokens and percentiles, by day and model",
    async run(send) {
      const model = newId();
      const stored = records(model, 2).map((record) => ({ ...record, timestamp: SCHEMA_3.timestamp }));
      await importLines(send, asLines(stored));
      const { days } = await json(await send(`/logs/stats?model=${model}`));
      assert.deepEqual(days, [
        {
          day: "2026-11-22",
          model,
          requests: 2,
          finish_reasons: { stop: 2 },
          prompt_tokens: 2,
          completion_tokens: 4,
          duration_ms: { p50: 100, p90: 200, p95: 200, p99: 200, max: 200 },
          ttft_ms: { p50: 40, p90: 40, p95: 40, p99: 40, max: 40 },
          tokens_per_s: { p50: 800, p90: 800, p95: 800, p99: 800, max: 800 },
        },
      ]);
      await isProblem(await send("/logs/stats?from=x"), 400, "bad-request");
    },
  },
  {
    name: "POST /logs/{id}/replay generates again, and the text is the same: greedy, sampled, chat, cut short",
    async run(send) {
      const replayed = async (id: string) => json(await send(`/logs/${id}/replay`, { method: "POST" }));
      const sampled = { temperature: 1.2, top_k: 30, repetition_penalty: 1.1, logit_bias: { 11: -5 }, seed: 41 };
      const bodies: [path: string, body: object][] = [
        ["/generate", { prompt: PARIS }],
        ["/generate", { prompt: STORY, max_new_tokens: 40, ...sampled }],
        ["/generate", { prompt: "A red fox:", format: "json", max_new_tokens: 40 }],
        ["/v1/chat/completions", { messages: [{ role: "user", content: PARIS }], max_tokens: 20, temperature: 0.9 }],
        ["/v1/completions", { prompt: [464, 1068], max_tokens: 10 }],
        ["/api/generate", { model: "minivault-demo", prompt: PARIS, stream: false }],
      ];
      for (const [path, body] of bodies) {
        const requestId = newId();
        const response = await post(send, path, body, { "x-request-id": requestId });
        assert.equal(response.status, 200, await response.text());
        const record = await closedRecord(send, requestId);
        const answer = await replayed(record.id);
        assert.include(answer, { same: true, first_difference: null, response: record.response }, path);
        assert.equal(
          (await json<LogRecord>(await send(`/logs/${answer.id}`))).endpoint,
          `POST /logs/${record.id}/replay`,
        );
      }

      const requestId = newId();
      const body = { prompt: STORY, max_new_tokens: 100_000, seed: 3, temperature: 0.8, stream: true };
      const cut = await post(send, "/generate", body, { "x-request-id": requestId });
      const reader = cut.body?.getReader();
      for (let chunk = 0; chunk < 10; chunk++) await reader?.read();
      await reader?.cancel();
      const { id } = await closedRecord(send, requestId);
      assert.isTrue((await replayed(id)).same);
    },
  },
  {
    name: "a replay that differs says where, and a record without its texts cannot be replayed",
    async run(send) {
      const requestId = newId();
      await generate(send, { prompt: PARIS }, { "x-request-id": requestId });
      const record = await closedRecord(send, requestId);
      const forged = { ...record, id: crypto.randomUUID(), response: " Pisa." };
      const without = { ...record, id: crypto.randomUUID(), level: "metadata", prompt: null };
      const redacted = { ...record, id: crypto.randomUUID(), redacted: 1 };
      assert.equal((await json(await importLines(send, asLines([forged, without, redacted])))).imported, 3);
      const answer = await json(await send(`/logs/${forged.id}/replay`, { method: "POST" }));
      assert.deepEqual([answer.same, answer.first_difference], [false, { at: 2, recorded: "isa.", replayed: "aris." }]);
      for (const { id } of [without, redacted]) {
        await isProblem(await send(`/logs/${id}/replay`, { method: "POST" }), 422, "not-replayable");
      }
      await isProblem(await send(`/logs/${crypto.randomUUID()}/replay`, { method: "POST" }), 404, "not-found");
    },
  },
  {
    name: "GET /logs/verify finds the log whole, whatever was deleted, imported or cut; ten lines of another program agree",
    async run(send) {
      const verified = async () => json(await send("/logs/verify"));
      const other = async () => {
        const { starts, heads } = await verified();
        const lines = (await (await send("/logs/export")).text()).split("\n").filter((line) => line !== "");
        const closed = lines.filter((line) => JSON.parse(line).prev_hash);
        const hex = (bytes: ArrayBuffer) =>
          [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0"));
        const sha256 = async (line: string) =>
          hex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(line))).join("");
        const have = [...(await Promise.all(closed.map(sha256))), ...starts].sort();
        const named = [...closed.map((line) => JSON.parse(line).prev_hash), ...heads].sort();
        assert.deepEqual(have, named);
      };
      for (let round = 0; round < 3; round++) await generate(send, { prompt: PARIS });
      assert.include(await verified(), { whole: true, first_broken: null });
      await other();
      const { id } = await generate(send, { prompt: PARIS });
      await generate(send, { prompt: PARIS });
      await send(`/logs/${id}`, { method: "DELETE" });
      const { checkpoint } = await verified();
      const key = await crypto.subtle.importKey(
        "jwk",
        checkpoint.public_key,
        { name: "ECDSA", namedCurve: "P-256" },
        false,
        ["verify"],
      );
      const { at, starts, heads } = checkpoint;
      const signature = Uint8Array.from(atob(checkpoint.signature), (byte) => byte.charCodeAt(0));
      const statement = new TextEncoder().encode(JSON.stringify({ at, starts, heads }));
      assert.isTrue(await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, signature, statement));
      await importLines(send, asLines([...records(newId(), 3), { ...SCHEMA_2, id: crypto.randomUUID() }]));
      await generate(send, { prompt: PARIS });
      assert.isTrue((await verified()).whole);
      await other();
    },
  },
];
