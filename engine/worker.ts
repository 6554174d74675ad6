/**
 * The dedicated worker's entry. The model loader is imported lazily: its runtime has a top-level `await`, and a
 * worker loses the messages that come before such a module has run.
 */
import { createCassetteEngine } from "../core/cassette/cassette-engine.ts";
import { cassetteOf } from "../core/cassette/cassette-name.ts";
import { configFile, parseConfigFile } from "../core/config-file.ts";
import { serveEngineOnPorts } from "../core/port-server.ts";
import {
  type Avoidable,
  type EngineStatus,
  type EngineToPage,
  type ListedModel,
  type PageToEngine,
  STATUS_CHANNEL,
  type StatusMessage,
} from "../core/protocol.ts";
import { holdLock } from "../core/web-lock.ts";
import { EMBEDDED } from "../models/catalogue.ts";
import { createModelLibrary } from "../models/library.ts";
import { browserSources } from "./browser-sources.ts";
import { findTarget } from "./device.ts";
import { fetchCassette } from "./fetch-cassette.ts";
import { createLocalEngine, type LocalEngine } from "./local-engine.ts";

declare const self: DedicatedWorkerGlobalScope;

/** Progress is for people: more often is a waste. */
const PROGRESS_MS = 100;

const channel = new BroadcastChannel(STATUS_CHANNEL);
const tell = (message: StatusMessage) => channel.postMessage(message);
const tellPage = (message: EngineToPage) => self.postMessage(message);
const publish = (status: EngineStatus) => tell({ type: "status", status });

/** Why files of models are not kept beyond this visit. */
let notKept: string | null = null;
let hasDownloaded = false;

/** A worker cannot ask that what is stored be kept. */
function tellModels(models: readonly ListedModel[]): void {
  tell({ type: "models", models });
  if (hasDownloaded || !models.some(({ files }) => files.state === "downloading")) return;
  hasDownloaded = true;
  tellPage({ type: "downloading" });
}

let latest: EngineStatus;
let timer: ReturnType<typeof setTimeout> | undefined;

function onStatus(status: EngineStatus): void {
  latest = status;
  const downloading = status.state === "loading" || (status.state === "ready" && status.loading !== null);
  if (downloading && timer) return;
  clearTimeout(timer);
  timer = downloading ? setTimeout(publishLatest, PROGRESS_MS) : undefined;
  if (!downloading) publish(status);
}

function publishLatest(): void {
  timer = undefined;
  publish(latest);
}

async function createEngine({ baseUrl, avoid }: Start): Promise<LocalEngine> {
  try {
    const config = parseConfigFile(await configFile(baseUrl).read());
    const target = await findTarget(config.device, avoid);
    const onChange = async () => tellModels(await library.list());
    const onNotKept = (reason: string) => {
      notKept = reason;
      void engine?.then(async (ready) => publish(await ready.status()));
    };
    const device = target.gpu ? "webgpu" : "wasm";
    const library = createModelLibrary({ config, baseUrl, device, onChange, onNotKept });
    const onBroken = (part: Avoidable, reason: string) => tellPage({ type: "broken", part, reason });
    const local = createLocalEngine({
      sources: browserSources({ config, baseUrl, library, target, onBroken }),
      wanted: cassetteOf(config.model) === null ? config.model : EMBEDDED.name,
      fallback: EMBEDDED.name,
      maxResidents: config.resident_models,
      keepMs: config.idle_unload_s === null ? Number.POSITIVE_INFINITY : config.idle_unload_s * 1000,
      notKept: () => notKept,
      onStatus: onChanged,
    });
    const whole = createCassetteEngine(local, {
      read: (name) => fetchCassette(name, baseUrl),
      where: new URL("cassettes/", baseUrl).pathname,
      wanted: config.model,
      onStatus: onChanged,
    });
    return { ...whole, preload: () => whole.load(null, null).catch(() => {}) };
  } catch (cause) {
    const refuse = () => Promise.reject(cause);
    const sources = { find: refuse, list: refuse, pull: refuse, pause: refuse, remove: refuse };
    return createLocalEngine({ sources, wanted: "none", fallback: null, onStatus });
  }
}

/** What is shown is what both say, the cassettes and the models. */
const onChanged = () => void engine?.then(async (ready) => onStatus(await ready.status()));

/** The lock is free as soon as this worker is dead, however it died: nothing else tells. */
async function live(aliveLock: string): Promise<void> {
  await holdLock(aliveLock);
  tellPage({ type: "alive" });
}

async function tellAll(engine: LocalEngine): Promise<void> {
  publish(await engine.status());
  const models = await engine.models().catch(() => null); // of a wrong configuration, the status tells
  if (models) tellModels(models);
}

type Start = Extract<PageToEngine, { type: "start" }>;

let engine: Promise<LocalEngine> | undefined;
let attach: Promise<ReturnType<typeof serveEngineOnPorts>> | undefined;

self.addEventListener("message", ({ data }: MessageEvent<PageToEngine>) => {
  switch (data.type) {
    case "start":
      void live(data.aliveLock);
      engine = createEngine(data);
      attach = engine.then((ready) => serveEngineOnPorts(ready));
      void engine.then((ready) => {
        void ready.preload();
        void tellAll(ready); // pages may have asked before anybody was there to answer
      });
      break;
    case "attach":
      void attach?.then((serve) => serve(data.port, data.host));
      break;
    default:
      data satisfies never;
  }
});

channel.addEventListener("message", ({ data }: MessageEvent<StatusMessage>) => {
  if (data.type === "ask-status") void engine?.then(tellAll);
  if (data.type === "ask-retry") void engine?.then((ready) => ready.retry());
});
