import type { VaultConfig } from "../core/config.ts";
import { asVaultError, reasonOf, VaultError } from "../core/errors.ts";
import type { Avoidable, ErrorCode, Fallback } from "../core/protocol.ts";
import { EMBEDDED, findEntry } from "../models/catalogue.ts";
import type { ModelManifest } from "../models/model-entry.ts";
import type { ModelLibrary } from "../models/model-library.ts";
import { type Attempt, admitted, attemptsOn, cautionOf, thatFit, weightsOf, whyNotAsked } from "./attempts.ts";
import { type ComputeTarget, gpuBuild } from "./device.ts";
import type { ModelOrigin } from "./load-model.ts";
import type { LanguageModel, TextModel } from "./model.ts";
import type { ModelSource, ModelSources, Report } from "./model-source.ts";
import { chooseBuild } from "./ort-build.ts";
import { selfCheck } from "./self-check.ts";

export interface BrowserSourcesOptions {
  readonly config: VaultConfig;
  /** Where `models/` is. */
  readonly baseUrl: string;
  readonly library: ModelLibrary;
  readonly target: ComputeTarget;
  /** Only a new worker can go on: what this one computes with is lost. */
  readonly onBroken: (part: Avoidable, reason: string) => void;
}

/** How models are loaded in a browser: on WebGPU if it computes rightly, else on the CPU. */
export function browserSources(options: BrowserSourcesOptions): ModelSources {
  const { config, baseUrl, library, target, onBroken } = options;
  let build: "gpu" | "cpu" | undefined;

  /** Best first. A worker can load only one build of the runtime, so the first model decides which. */
  const attemptsFor = (manifest: ModelManifest): readonly Attempt[] => {
    const attempts = admitted(manifest, attemptsOn(target, manifest, config), config);
    build ??= attempts[0]?.gpu ? "gpu" : "cpu";
    chooseBuild(build === "gpu" ? gpuBuild() : "wasm");
    return build === "gpu" ? attempts : attempts.filter(({ gpu }) => !gpu);
  };

  /** What comes with the app is not in the library: a first visit has no need of it. */
  const describe = async (name: string) => (name === EMBEDDED.name ? EMBEDDED : library.describe(name));
  const read = (manifest: ModelManifest, path: string) =>
    manifest === EMBEDDED ? readEmbedded(path, baseUrl) : library.read(manifest, path);
  const fetchFiles: ModelLibrary["fetch"] = async (manifest, paths, handle) => {
    if (manifest !== EMBEDDED) await library.fetch(manifest, paths, handle);
  };

  const prepare = async (name: string, report: Report, signal: AbortSignal) => {
    const manifest = await describe(name);
    const attempts = attemptsFor(manifest);
    const [best] = attempts;
    if (!best) throw new VaultError("model-broken", `${name} has no weights that this device can use.`);
    const origin: ModelOrigin = { read: (path) => read(manifest, path), folder: null };
    await fetchFiles(manifest, best.paths.filter(isSmall), { signal });
    const { loadText } = await import("./load-model.ts");
    const text = await loadText(manifest, origin);
    const fitting = await thatFit(manifest, attempts, origin.read);
    await fetchFiles(manifest, fitting[0]!.paths, { onProgress: report, signal });
    return {
      text,
      start: (report: Report, signal: AbortSignal) => start(manifest, text, origin, fitting, report, signal),
    };
  };

  const start = async (
    manifest: ModelManifest,
    text: TextModel,
    origin: ModelOrigin,
    attempts: readonly Attempt[],
    report: Report,
    signal: AbortSignal,
  ): Promise<LanguageModel> => {
    const { noGpu, threads } = target;
    const failures: string[] = noGpu ? [noGpu] : [];
    const [first] = attempts;
    const other = first && whyNotAsked(first, manifest, config);
    if (other) failures.push(other);
    for (const attempt of attempts) {
      await fetchFiles(manifest, attempt.paths, { onProgress: report, signal });
      try {
        const model = await startOn(attempt, manifest, text, origin, threads);
        const fallback = failures.length > 0 ? settledFor(attempt, failures, other !== null) : null;
        return { ...model, fallback, caution: cautionOf(attempt) };
      } catch (cause) {
        if (FINAL.has(asVaultError(cause).code)) throw cause;
        failures.push(`${attempt.gpu ? "WebGPU" : "The CPU"} failed on ${attempt.dtype} (${reasonOf(cause)})`);
      }
    }
    if (threads > 1 && failures.some((failure) => failure.includes(NO_RUNTIME))) {
      onBroken("threads", failures.join("; "));
      return NEVER;
    }
    const tried = failures.join("; ");
    throw new VaultError(
      "model-broken",
      `${manifest.name} cannot be loaded: ${tried}. Delete its files, or use another.`,
    );
  };

  const startOn = async (
    { gpu, dtype, paths }: Attempt,
    manifest: ModelManifest,
    text: TextModel,
    origin: ModelOrigin,
    threads: number,
  ): Promise<Omit<LanguageModel, "fallback" | "caution">> => {
    const { loadModel, watchGpu } = await import("./load-model.ts");
    let unwatch = () => {};
    const lost = new Promise<string>((resolve) => {
      if (gpu) unwatch = watchGpu(resolve);
    });
    void lost.then((reason) => onBroken("webgpu", reason));
    try {
      const loaded = await loadModel(manifest, text, {
        origin,
        device: gpu ? "webgpu" : "wasm",
        threads,
        ...weightsOf(manifest, dtype, paths),
      });
      const model = {
        ...loaded,
        forward: gpu ? lastingAs(loaded.forward, lost) : loaded.forward,
        dispose() {
          unwatch(); // the last session takes the device along
          return loaded.dispose();
        },
      };
      try {
        return { ...model, selfCheck: await selfCheck(model) };
      } catch (cause) {
        await model.dispose();
        throw cause;
      }
    } catch (cause) {
      unwatch();
      throw cause;
    }
  };

  const source = (name: string): ModelSource => ({
    name,
    prepare: (report, signal) => prepare(name, report, signal),
  });

  const nameOf = async (nameOrId: string): Promise<string> => {
    const entry = findEntry(nameOrId, config);
    if (entry) return entry.name;
    const names = (await library.list()).map(({ name }) => name); // with those that were brought from the disk
    if (names.includes(nameOrId)) return nameOrId;
    throw new VaultError("model-not-found", `There is no model ${nameOrId}. There is: ${names.join(", ")}.`);
  };

  return {
    find: async (nameOrId) => source(await nameOf(nameOrId)),
    list: () => library.list(),
    async pull(nameOrId) {
      const name = await nameOf(nameOrId);
      if (name === EMBEDDED.name) return;
      const manifest = await library.describe(name);
      const [best] = attemptsFor(manifest);
      library.fetch(manifest, best?.paths ?? [], {}).catch(() => {}); // the list tells
    },
    pause: (name) => library.pause(name),
    async remove(name) {
      if (name === EMBEDDED.name) throw new VaultError("bad-request", `${name} comes with the app, and stays with it.`);
      await library.remove(name);
    },
  };
}

/** Failures before it are those of what was wanted. */
const settledFor = ({ gpu, dtype }: Attempt, failures: readonly string[], isOther: boolean): Fallback => ({
  wanted: gpu || failures.some((failure) => failure.includes("WebGPU")) ? "webgpu" : "wasm",
  reason: `${failures.join("; ")}, so the ${gpu ? "GPU" : "CPU"} computes${gpu || isOther ? ` on ${dtype}` : ""}.`,
});

/** What another device would not help against. */
const FINAL: ReadonlySet<ErrorCode> = new Set(["model-unavailable", "storage-full", "load-cancelled"]);
/** What the runtime says when it cannot even start. */
const NO_RUNTIME = "no available backend";

/** A pass may fail before the browser says that the device is gone. */
const LOST_MS = 2_000;

/** A worker that is broken says nothing more: its page ends it, and whoever waits turns to the next one. */
const NEVER = new Promise<never>(() => {});

/** A lost device is the end of this engine, not of the answer. */
const lastingAs =
  (forward: LanguageModel["forward"], lost: Promise<string>): LanguageModel["forward"] =>
  async (...args) => {
    try {
      return await forward(...args);
    } catch (cause) {
      const reason = await Promise.race([lost, new Promise<null>((resolve) => setTimeout(resolve, LOST_MS, null))]);
      if (reason === null) throw cause;
      return NEVER;
    }
  };

async function readEmbedded(path: string, baseUrl: string): Promise<ArrayBuffer | null> {
  if (!EMBEDDED.files.some((file) => file.path === path)) return null;
  const url = new URL(`models/${EMBEDDED.repo}/${path}`, baseUrl);
  const response = await fetch(url).catch(() => null);
  if (response?.ok) return response.arrayBuffer();
  throw new VaultError("model-unavailable", `${url.pathname} of this site cannot be had. Reload the page.`);
}

const isSmall = (path: string): boolean => !path.startsWith("onnx/");
