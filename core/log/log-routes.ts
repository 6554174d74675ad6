import { awaitFirst } from "../await-first.ts";
import { route } from "../dialect.ts";
import { VaultError } from "../errors.ts";
import { readBody } from "../read-body.ts";
import { EXPORT_FORMATS, type ExportFormat } from "./export.ts";
import { importLines } from "./import.ts";
import { asFailure } from "./log-errors.ts";
import { LOG_JSON_SCHEMA } from "./log-json-schema.ts";
import type { LogLine } from "./log-line.ts";
import {
  EVERYTHING,
  FILTER_PARAMETERS,
  type LogQuery,
  moment,
  parseFilter,
  parseQuery,
  QUERY_PARAMETERS,
} from "./log-query.ts";
import type { LogSink } from "./log-record.ts";
import { comparedWith, requestOf } from "./replay.ts";
import { statsOf } from "./stats.ts";
import { unzipped } from "./unzip.ts";
import { VAULT_ROUTES } from "./vault-routes.ts";
import { verifyLog } from "./verify.ts";

/** https://json-schema.org/draft/2020-12/json-schema-core#section-14 */
const SCHEMA = "application/schema+json";
const JSON_TYPE = "application/json";
const FRESH = { "cache-control": "no-store" };

/** Pages of the log; rejects while there is still a status to say it with. */
const pagesOf = (log: LogSink, query: LogQuery): Promise<ReadableStream<readonly LogLine[]>> =>
  awaitFirst(log.read(query)).catch(asFailure);

/** A page in memory at a time. */
async function fileResponse(log: LogSink, query: LogQuery, format: ExportFormat, nowMs: number): Promise<Response> {
  const { mediaType, extension, encode } = format;
  const day = new Date(nowMs).toISOString().slice(0, 10);
  return new Response(encode(await pagesOf(log, query)), {
    headers: {
      ...FRESH,
      "content-type": mediaType,
      // The name comes from here: a link with a `download` attribute bypasses the service worker in Chromium.
      "content-disposition": `attachment; filename="minivault-logs-${day}.${extension}"`,
    },
  });
}

const list = route({
  method: "GET",
  path: "/logs",
  summary: "The log as JSONL",
  parameters: QUERY_PARAMETERS,
  mediaTypes: [EXPORT_FORMATS.jsonl.mediaType],
  answer: ({ url }, { log, now }) => fileResponse(log, parseQuery(url.searchParams), EXPORT_FORMATS.jsonl, now()),
});

const file = route({
  method: "GET",
  path: "/logs/export",
  summary: "The log as a file: JSONL, the same compressed, CSV, or a ZIP with JSONL for each UTC day",
  parameters: [
    {
      name: "format",
      in: "query",
      about: `${Object.keys(EXPORT_FORMATS).join(", ")}; jsonl if left out`,
      example: "zip",
    },
    ...FILTER_PARAMETERS,
  ],
  mediaTypes: Object.values(EXPORT_FORMATS).map(({ mediaType }) => mediaType.replace(/;.*/, "")),
  answer: ({ url: { searchParams } }, { log, now }) => {
    const name = searchParams.get("format") ?? "jsonl";
    const format = Object.entries(EXPORT_FORMATS).find(([one]) => one === name)?.[1];
    if (!format) {
      const names = Object.keys(EXPORT_FORMATS).join(", ");
      throw new VaultError("bad-request", `format must be one of ${names}, not ${JSON.stringify(name)}.`);
    }
    return fileResponse(log, { ...EVERYTHING, ...parseFilter(searchParams) }, format, now());
  },
});

const schema = route({
  method: "GET",
  path: "/logs/schema",
  summary: "The JSON Schema of a line of the log",
  mediaTypes: [SCHEMA],
  answer: () => new Response(JSON.stringify(LOG_JSON_SCHEMA), { headers: { "content-type": SCHEMA } }),
});

const stats = route({
  method: "GET",
  path: "/logs/stats",
  summary: "Counts, tokens and percentiles of the log, by UTC day and model",
  parameters: FILTER_PARAMETERS,
  mediaTypes: [JSON_TYPE],
  answer: async ({ url }, { log }) => {
    const pages = await pagesOf(log, { ...EVERYTHING, ...parseFilter(url.searchParams) });
    return Response.json({ days: await statsOf(pages).catch(asFailure) }, { headers: FRESH });
  },
});

const verify = route({
  method: "GET",
  path: "/logs/verify",
  summary:
    "Whether each record is what it was and none is missing; the first that does not fit; where the chain begins and ends",
  mediaTypes: [JSON_TYPE],
  answer: async (_, { log }) => Response.json(await verifyLog(log).catch(asFailure), { headers: FRESH }),
});

const importFile = route({
  method: "POST",
  path: "/logs/import",
  summary: "Takes JSONL of an export in, also compressed with gzip; what is there already is skipped",
  bodyType: EXPORT_FORMATS.jsonl.mediaType,
  mediaTypes: [JSON_TYPE],
  answer: async ({ request }, { log }) => {
    return Response.json(await importLines(unzipped(readBody(request)), log).catch(asFailure));
  },
});

/** Long enough not to be taken for another route of `/logs`. */
const ID = ":id{.{12,}}";
const ID_PARAMETER = {
  name: "id",
  in: "path",
  about: "Of a record",
  example: "7b1c2f0e-55f4-4c8e-9f53-0d4f6f1f4a03",
} as const;
const noRecord = (id: string) =>
  new VaultError("not-found", `The log has no record ${JSON.stringify(id)}. GET /logs has those that there are.`);

const one = route({
  method: "GET",
  path: `/logs/${ID}`,
  summary: "One record",
  parameters: [ID_PARAMETER],
  mediaTypes: [JSON_TYPE],
  answer: async ({ parameter }, { log }) => {
    const record = await log.find(parameter).catch(asFailure);
    if (!record) throw noRecord(parameter);
    return Response.json(record, { headers: FRESH });
  },
});

const replay = route({
  method: "POST",
  path: `/logs/${ID}/replay`,
  summary: "Generates again, with the same model, options and seed, and says where the text first differs",
  parameters: [ID_PARAMETER],
  mediaTypes: [JSON_TYPE],
  answer: async ({ parameter, exchange }, { log, generate }) => {
    const record = await log.find(parameter).catch(asFailure);
    if (!record) throw noRecord(parameter);
    return generate(requestOf(record), comparedWith(record), exchange);
  },
});

const remove = route({
  method: "DELETE",
  path: `/logs/${ID}`,
  summary: "Deletes a record, with all that was kept of it",
  parameters: [ID_PARAMETER],
  mediaTypes: [],
  status: 204,
  answer: async ({ parameter }, { log }) => {
    if (!(await log.delete(parameter).catch(asFailure))) throw noRecord(parameter);
    return new Response(null, { status: 204 });
  },
});

const removeBefore = route({
  method: "DELETE",
  path: "/logs",
  summary: "Deletes what came before a moment, but nothing that is going on",
  parameters: [{ name: "before", in: "query", about: "This moment or UTC day", example: "2026-11-21" }],
  mediaTypes: [JSON_TYPE],
  answer: async ({ url }, { log }) => {
    url.searchParams.forEach((_, field) => {
      if (field === "before") return;
      const detail = `Records are deleted by before alone, so all of them would go, whatever ${field} says. Leave it out.`;
      throw new VaultError("bad-request", detail, { field });
    });
    const before = moment(url.searchParams, "before");
    if (before === null) {
      throw new VaultError(
        "bad-request",
        "before must say until when records are deleted, as ?before=2026-11-21 does.",
      );
    }
    return Response.json({ deleted: await log.deleteBefore(before).catch(asFailure) });
  },
});

export const LOG_ROUTES = [
  list,
  removeBefore,
  file,
  schema,
  stats,
  verify,
  importFile,
  ...VAULT_ROUTES,
  replay,
  one,
  remove,
];
