import { asVaultError, reasonOf, VaultError } from "../core/errors.ts";
import type { Engine, EngineStatus, Fallback, GenerateRequest, Progress, TokenEvent } from "../core/protocol.ts";
import { generate, tokenise } from "./generate.ts";
import type { LanguageModel } from "./model.ts";

export type Report = (progress: Progress) => void;

/** A model that can be loaded. */
export interface ModelSource {
  readonly name: string;
  load(report: Report): Promise<LanguageModel>;
}

export interface LocalEngineOptions {
  readonly wanted: ModelSource;
  /** Answers while the wanted model cannot be had. */
  readonly fallback: ModelSource | null;
  readonly onStatus?: (status: EngineStatus) => void;
}

export interface LocalEngine extends Engine {
  /** Loads now instead of at the first request. Never rejects: `status` tells. */
  load(): Promise<void>;
  /** Tries the wanted model again if the fallback answers in its place; generations under way finish undisturbed. */
  retry(): Promise<void>;
}

/** A loaded model, disposed once it is replaced and nobody uses it any more. */
interface Resident {
  readonly model: LanguageModel;
  readonly loadMs: number;
  fallback: Fallback | null;
  users: number;
}

/** absent → loading → ready | failed. A failed load is tried again by the next request. */
export function createLocalEngine({ wanted, fallback, onStatus = () => {} }: LocalEngineOptions): LocalEngine {
  const bornMs = performance.now();
  let loading: Promise<Resident> | undefined;
  let current: Resident | undefined;
  let retrying: Progress | null = null;
  let status: () => EngineStatus = () => ({ state: "absent" });

  const setStatus = (next: () => EngineStatus) => {
    status = next;
    onStatus(status());
  };

  const loadOne = async (source: ModelSource, instead: Fallback | null, report: Report): Promise<Resident> => {
    const startMs = performance.now();
    const model = await source.load(report);
    return { model, loadMs: performance.now() - startMs, fallback: instead ?? model.fallback, users: 0 };
  };

  const show =
    (name: string): Report =>
    (progress) =>
      setStatus(() => ({ state: "loading", model: name, ...progress }));

  const loadAny = async (): Promise<Resident> => {
    show(wanted.name)({ loadedBytes: 0, totalBytes: 0 });
    try {
      return await loadOne(wanted, null, show(wanted.name));
    } catch (cause) {
      if (!fallback) throw cause;
      const instead = { wanted: wanted.name, reason: reasonOf(cause) };
      return loadOne(fallback, instead, show(fallback.name));
    }
  };

  const settle = (resident: Resident): Resident => {
    const { name, device, threads, contextTokens } = resident.model;
    current = resident;
    setStatus(() => ({
      state: "ready",
      uptimeMs: performance.now() - bornMs,
      retrying,
      model: name,
      device,
      threads,
      contextTokens,
      loadMs: resident.loadMs,
      fallback: resident.fallback,
    }));
    return resident;
  };

  const resident = (): Promise<Resident> => {
    if (current) return Promise.resolve(current);
    loading ??= loadAny()
      .then(settle, (cause) => {
        setStatus(() => ({ state: "failed", error: asVaultError(cause).toWire() }));
        throw cause;
      })
      .finally(() => {
        loading = undefined;
      });
    return loading;
  };

  /** The model cannot be disposed from the moment it is taken until the generation ends, whichever way. */
  async function* run(request: GenerateRequest): AsyncGenerator<TokenEvent, void> {
    const used = current ?? (await resident());
    used.users++;
    try {
      checkModel(used.model, request);
      yield* generate(used.model, request);
    } finally {
      used.users--;
      if (used.users === 0 && used !== current) await used.model.dispose();
    }
  }

  return {
    status: async () => status(),

    load: () =>
      resident().then(
        () => {},
        () => {},
      ),

    async admit(request) {
      const { model } = await resident();
      checkModel(model, request);
      tokenise(model, request);
    },

    generate: (request) => fromGenerator(run(request)),

    async retry() {
      const replaced = current;
      if (!replaced || replaced.model.name === wanted.name || retrying) return;
      const report: Report = (progress) => {
        retrying = progress;
        onStatus(status());
      };
      report({ loadedBytes: 0, totalBytes: 0 });
      try {
        const next = await loadOne(wanted, null, report);
        retrying = null;
        settle(next);
        if (replaced.users === 0) await replaced.model.dispose();
      } catch (cause) {
        retrying = null;
        replaced.fallback = { wanted: wanted.name, reason: reasonOf(cause) };
        settle(replaced);
      }
    },
  };
}

function checkModel(model: LanguageModel, request: GenerateRequest): void {
  if (request.model === null || request.model === model.name) return;
  throw new VaultError(
    "model-not-found",
    `${request.model} is not loaded. Ask for ${model.name}, or leave the model out.`,
  );
}

/** `ReadableStream.from`, which Chromium lacks: a step is made when it is read. */
function fromGenerator<T>(values: AsyncGenerator<T, void>): ReadableStream<T> {
  return new ReadableStream<T>(
    {
      async pull(controller) {
        const { done, value } = await values.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await values.return();
      },
    },
    { highWaterMark: 0 },
  );
}
