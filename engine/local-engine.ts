import { asVaultError, reasonOf } from "../core/errors.ts";
import { fromGenerator } from "../core/from-generator.ts";
import type {
  Engine,
  EngineStatus,
  Fallback,
  GenerateRequest,
  ModelCard,
  TokenEvent,
  WireError,
} from "../core/protocol.ts";
import { check, describeTokens, generate } from "./generate.ts";
import { inSlices } from "./in-slices.ts";
import type { TextModel } from "./model.ts";
import type { ModelSource, ModelSources } from "./model-source.ts";
import { assertTokens } from "./prompt.ts";
import type { Resident } from "./resident.ts";
import { createResidents } from "./residents.ts";

export interface LocalEngineOptions {
  readonly sources: ModelSources;
  /** Answers requests that name no model. */
  readonly wanted: string;
  /** Answers those while the wanted model cannot be had. */
  readonly fallback: string | null;
  readonly maxResidents?: number;
  /** How long a model stays after its last use, unless a request says otherwise. */
  readonly keepMs?: number;
  /** Why files of models are not kept, if that is known to be so. */
  readonly notKept?: () => string | null;
  readonly onStatus?: (status: EngineStatus) => void;
}

export interface LocalEngine extends Engine {
  /** Loads the wanted model now instead of at the first request. Never rejects: `status` tells. */
  preload(): Promise<void>;
  /** Tries the wanted model again if the fallback answers in its place; generations under way finish undisturbed. */
  retry(): Promise<void>;
}

/**
 * absent → loading → ready ⇄ unloaded, or failed. The next request loads what was unloaded, and tries again what
 * failed; one that names another model brings that one in.
 */
export function createLocalEngine(options: LocalEngineOptions): LocalEngine {
  const {
    sources,
    wanted,
    fallback,
    maxResidents = 1,
    keepMs = Number.POSITIVE_INFINITY,
    notKept = () => null,
    onStatus = () => {},
  } = options;
  const bornMs = performance.now();
  /** Set while the fallback answers for the wanted model. */
  let standIn: Fallback | null = null;
  let isRetrying = false;
  let failure: WireError | null = null;
  let lastCard: ModelCard | undefined;

  let told = "";
  /** Says what is new, if anything. */
  const tell = () => {
    const now = status();
    const { uptimeMs: _, residents: __, expiresMs: ___, ...news } = { uptimeMs: 0, residents: 0, expiresMs: 0, ...now };
    if (told === JSON.stringify(news)) return;
    told = JSON.stringify(news);
    onStatus(now);
  };
  const residents = createResidents({ max: maxResidents, keepMs, onChange: tell });

  const find = async (model: string): Promise<ModelSource> => residents.source(model) ?? sources.find(model);

  /** Does something with the model of that name; with none, with the wanted one, or else with the fallback. */
  const withModel = async <T>(model: string | null, use: (source: ModelSource) => Promise<T>): Promise<T> => {
    if (model !== null) return use(await find(model));
    try {
      if (!standIn) {
        const used = await use(await find(wanted));
        failure = null;
        return used;
      }
    } catch (cause) {
      if (!fallback || fallback === wanted) throw fail(cause);
      standIn = { wanted, reason: reasonOf(cause) };
    }
    return use(await find(fallback ?? wanted)).catch((cause) => {
      throw fail(cause);
    });
  };

  const fail = (cause: unknown): unknown => {
    failure = asVaultError(cause).toWire();
    tell();
    return cause;
  };

  const take = async (source: ModelSource): Promise<Resident> => {
    const resident = await residents.take(source);
    if (source.name === wanted) standIn = null;
    failure = null;
    lastCard = resident.model.card;
    tell();
    return resident;
  };

  const textOf = (model: string | null): Promise<TextModel> =>
    withModel(model, async (source) => (await residents.prepare(source)).text);

  async function* run(request: GenerateRequest, cancelled: AbortSignal): AsyncGenerator<TokenEvent, void> {
    const used = await withModel(request.model, take);
    try {
      yield* generate(used.model, request, cancelled);
    } finally {
      used.keepAlive(request.keepAliveMs);
      await used.release();
    }
  }

  const status = (): EngineStatus => {
    const reason = notKept();
    return { ...state(), ...(reason !== null && { notKept: reason }) };
  };

  const state = (): EngineStatus => {
    const [front] = residents.loaded;
    const { loading } = residents;
    if (front) {
      const { card, device, threads, selfCheck, caution } = front.model;
      return {
        state: "ready",
        uptimeMs: performance.now() - bornMs,
        loading,
        model: card.name,
        card,
        device,
        threads,
        contextTokens: card.contextTokens,
        loadMs: front.loadMs,
        expiresMs: front.expiresMs,
        fallback: (card.name === fallback && standIn) || front.model.fallback,
        selfCheck,
        ...(caution && { caution }),
        residents: residents.loaded.map(({ model, expiresMs }) => ({
          model: model.card.name,
          card: model.card,
          device: model.device,
          expiresMs,
        })),
      };
    }
    if (loading) return { state: "loading", ...loading };
    if (failure) return { state: "failed", error: failure };
    return lastCard ? { state: "unloaded", card: lastCard } : { state: "absent" };
  };

  /** Loads a model, and leaves it to whoever comes. */
  const load = (model: string | null, keepAliveMs: number | null) =>
    withModel(model, async (source) => {
      const resident = await take(source);
      resident.keepAlive(keepAliveMs);
      await resident.release();
    });

  return {
    status: async () => status(),

    preload: () => load(null, null).catch(() => {}),

    async admit(request) {
      const text = await withModel(request.model, async (source) => {
        // Loaded here, a failure still has a status; not, though, while the place is in use for another answer.
        if (residents.isIdle) await take(source).then((resident) => resident.release());
        return (await residents.prepare(source)).text;
      });
      await check(text, request);
    },

    load,

    async unload(model) {
      if (model !== null) return residents.unload((await find(model)).name);
      for (const { card } of residents.loaded.map((resident) => resident.model)) await residents.unload(card.name);
    },

    models: () => sources.list(),
    pull: (model) => sources.pull(model),
    pause: (model) => sources.pause(model),

    async remove(model) {
      const { name } = await find(model);
      await residents.unload(name);
      await sources.remove(name);
      residents.forget(name);
    },

    async tokenise(text, special, control) {
      const model = await textOf(null);
      return inSlices(describeTokens(model, await model.encode(text, special, control ? "all" : "none")));
    },

    async detokenise(tokenIds) {
      const model = await textOf(null);
      assertTokens(model, tokenIds);
      return model.decode(tokenIds, true);
    },

    generate(request) {
      const cancelling = new AbortController();
      return fromGenerator(run(request, cancelling.signal), cancelling);
    },

    async retry() {
      if (!standIn || !fallback || isRetrying) return;
      isRetrying = true;
      try {
        const source = await find(wanted);
        await residents.prepare(source);
        await (await take(source)).release();
        await residents.unload(fallback);
      } catch (cause) {
        standIn = { wanted, reason: reasonOf(cause) };
        await load(fallback, null).catch(fail);
      } finally {
        isRetrying = false;
        tell();
      }
    },
  };
}
