import { asVaultError, reasonOf, VaultError } from "../core/errors.ts";
import type { Engine, EngineStatus, Fallback, GenerateRequest, Progress, TokenEvent } from "../core/protocol.ts";
import { fromGenerator } from "./from-generator.ts";
import { check, describeToken, generate } from "./generate.ts";
import type { LanguageModel } from "./model.ts";
import { assertTokens } from "./prompt.ts";
import { createResident, type Resident } from "./resident.ts";

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
  preload(): Promise<void>;
  /** Tries the wanted model again if the fallback answers in its place; generations under way finish undisturbed. */
  retry(): Promise<void>;
}

/**
 * absent → loading → ready ⇄ unloaded, or failed. The next request loads what was unloaded, and tries again what
 * failed.
 */
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
    const resident = createResident(model, performance.now() - startMs, () => void retireCurrent(resident));
    resident.fallback = instead ?? model.fallback;
    return resident;
  };

  /** Its memory is free once nobody uses it. */
  const retireCurrent = async (resident: Resident): Promise<void> => {
    if (current !== resident) return;
    current = undefined;
    setStatus(() => ({ state: "unloaded", card: resident.model.card }));
    await resident.retire();
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
    const { card, device, threads } = resident.model;
    current = resident;
    setStatus(() => ({
      state: "ready",
      uptimeMs: performance.now() - bornMs,
      retrying,
      model: card.name,
      card,
      device,
      threads,
      contextTokens: card.contextTokens,
      loadMs: resident.loadMs,
      expiresMs: resident.expiresMs,
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

  /** The resident model, if it is the one that was asked for. */
  const named = async (model: string | null): Promise<Resident> => {
    const found = await resident();
    checkModel(found.model, model);
    return found;
  };

  /** The model cannot be disposed from the moment it is taken until the generation ends, whichever way. */
  async function* run(request: GenerateRequest): AsyncGenerator<TokenEvent, void> {
    const used = current ?? (await resident());
    used.take();
    try {
      checkModel(used.model, request.model);
      yield* generate(used.model, request);
    } finally {
      used.keepAlive(request.keepAliveMs);
      await used.release();
    }
  }

  return {
    status: async () => status(),

    preload: () =>
      resident().then(
        () => {},
        () => {},
      ),

    admit: async (request) => check((await named(request.model)).model, request),

    async load(model, keepAliveMs) {
      (await named(model)).keepAlive(keepAliveMs);
    },

    async unload(model) {
      if (loading) await loading;
      if (!current) return;
      checkModel(current.model, model);
      await retireCurrent(current);
    },

    async tokenise(text, special) {
      const { model } = await named(null);
      return model.encode(text, special).map((id) => describeToken(model, id));
    },

    async detokenise(tokenIds) {
      const { model } = await named(null);
      assertTokens(model, tokenIds);
      return model.decode(tokenIds);
    },

    generate: (request) => fromGenerator(run(request)),

    async retry() {
      const replaced = current;
      if (!replaced || replaced.model.card.name === wanted.name || retrying) return;
      const report: Report = (progress) => {
        retrying = progress;
        onStatus(status());
      };
      report({ loadedBytes: 0, totalBytes: 0 });
      try {
        const next = await loadOne(wanted, null, report);
        retrying = null;
        if (current !== replaced) return await next.retire(); // unloaded meanwhile
        settle(next);
        await replaced.retire();
      } catch (cause) {
        retrying = null;
        replaced.fallback = { wanted: wanted.name, reason: reasonOf(cause) };
        if (current === replaced) settle(replaced);
      }
    },
  };
}

function checkModel(model: LanguageModel, name: string | null): void {
  if (name === null || name === model.card.name) return;
  throw new VaultError("model-not-found", `${name} is not loaded. Ask for ${model.card.name}, or leave the model out.`);
}
