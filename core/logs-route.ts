import { awaitFirst } from "./await-first.ts";
import { NDJSON, NdjsonStream } from "./encode/lines.ts";
import { reasonOf, VaultError } from "./errors.ts";
import type { LogQuery, LogSink } from "./log-record.ts";

/** The log as JSONL, a page of records in memory at a time. */
export async function logsResponse(log: LogSink, search: URLSearchParams, nowMs: number): Promise<Response> {
  const query = parseLogQuery(search);
  const stream = await awaitFirst(log.read(query)).catch((cause) => {
    const detail = `The log cannot be read: ${reasonOf(cause)}. Allow this site to store data and try again.`;
    throw new VaultError("log-failed", detail, { cause });
  });
  const day = new Date(nowMs).toISOString().slice(0, 10);
  return new Response(stream.pipeThrough(new NdjsonStream()), {
    headers: {
      "content-type": NDJSON,
      "cache-control": "no-store",
      // The name comes from here: a link with a `download` attribute bypasses the service worker in Chromium.
      "content-disposition": `attachment; filename="minivault-logs-${day}.jsonl"`,
    },
  });
}

function parseLogQuery(search: URLSearchParams): LogQuery {
  const order = search.get("order") ?? "asc";
  if (order !== "asc" && order !== "desc") {
    throw new VaultError("bad-request", `order must be asc or desc, not ${JSON.stringify(order)}.`);
  }
  const limit = search.get("limit") ?? "Infinity";
  if (limit !== "Infinity" && !/^[1-9]\d{0,8}$/.test(limit)) {
    throw new VaultError("bad-request", `limit must be a whole number above 0, not ${JSON.stringify(limit)}.`);
  }
  return { order, limit: Number(limit) };
}
