import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "vitest";
import { readCassette } from "../../cli/cassette-folder.ts";
import { openFileLog } from "../../cli/log/file-log.ts";
import { createApi } from "../../core/api.ts";
import { createCassetteEngine } from "../../core/cassette/cassette-engine.ts";
import { connectEngine } from "../../core/port-client.ts";
import { serveEngine } from "../../core/port-server.ts";
import type { Port } from "../../core/protocol.ts";
import { createMemoryLog } from "../../logs-export/memory-log.ts";
import { API_CONTRACT } from "../contract/api-contract.ts";
import type { Send } from "../contract/contract-case.ts";
import { cassetteFolder } from "../fixtures/cassettes.ts";
import { engineOf, fixedSources, remoteModel } from "../fixtures/fixed-sources.ts";
import { embeddedModel } from "../fixtures/node-model.ts";

/** The other one cannot be had, as in the browsers, where nobody listens at the hub's address. */
const local = engineOf(embeddedModel, { sources: fixedSources(embeddedModel, remoteModel("gpt2")) });
const folder = cassetteFolder();
const engine = createCassetteEngine(local, {
  read: (name) => readCassette(folder, name),
  where: `${folder}/`,
  wanted: embeddedModel.name,
});

const { port1, port2 } = new MessageChannel();
serveEngine(engine, port1 as Port);

const HOSTS = {
  "in process": createApi({ engine, log: createMemoryLog() }),
  "with a log of files": createApi({ engine, log: openFileLog(mkdtempSync(join(tmpdir(), "minivault-log-"))) }),
  "over a MessagePort": createApi({ engine: connectEngine(port2 as Port), log: createMemoryLog() }),
};

describe.each(Object.entries(HOSTS))("%s", (_, handle) => {
  const send: Send = (path, init) => handle(new Request(`http://localhost${path}`, init));
  test.each(API_CONTRACT)("$name", ({ run }) => run(send));
});
