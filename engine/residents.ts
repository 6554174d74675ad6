import { VaultError } from "../core/errors.ts";
import type { Loading } from "../core/protocol.ts";
import type { ModelSource, PreparedModel } from "./model-source.ts";
import { createMutex } from "./mutex.ts";
import { createResident, type Resident } from "./resident.ts";

export interface ResidentsOptions {
  /** How many may be in memory at a time. */
  readonly max: number;
  /** How long each of them stays after its last use, unless a request says otherwise. */
  readonly keepMs: number;
  readonly onChange: () => void;
}

/** The models in memory: each is loaded by who asks for it, and makes way when another one needs its place. */
export interface Residents {
  /** The one that was used last comes first. */
  readonly loaded: readonly Resident[];
  /** What is on its way. */
  readonly loading: Loading | null;
  /** Whether a model could be loaded now without another one's answer being waited for. */
  readonly isIdle: boolean;
  source(name: string): ModelSource | undefined;
  prepare(source: ModelSource): Promise<PreparedModel>;
  /** Loads it if needed; it stays until it is released. */
  take(source: ModelSource): Promise<Resident>;
  /** Stops its load, or retires it. */
  unload(name: string): Promise<void>;
  /** Its files have changed. */
  forget(name: string): void;
}

interface Slot {
  readonly source: ModelSource;
  prepared?: Promise<PreparedModel> | undefined;
  starting?: Promise<Resident> | undefined;
  resident?: Resident | undefined;
  loading: Loading | null;
  /** Ends a load that is under way, and the slot with it. */
  readonly abort: AbortController;
  /** Who has asked for it and does not use it yet. */
  waiting: number;
}

export function createResidents({ max, keepMs, onChange }: ResidentsOptions): Residents {
  /** The one that was used last is the last. */
  const slots = new Map<string, Slot>();
  const inMemory = new Set<Resident>();
  const alone = createMutex();
  let wake = () => {};
  let changed = nextChange();

  function nextChange() {
    return new Promise<void>((resolve) => {
      wake = resolve;
    });
  }

  const change = () => {
    wake();
    changed = nextChange();
    onChange();
  };

  const slotOf = (source: ModelSource): Slot => {
    const known = slots.get(source.name);
    const slot = known ?? { source, loading: null, abort: new AbortController(), waiting: 0 };
    slots.delete(source.name);
    slots.set(source.name, slot);
    return slot;
  };

  const report = (slot: Slot, phase: Loading["phase"]) => (progress: { loadedBytes: number; totalBytes: number }) => {
    slot.loading = { model: slot.source.name, phase, ...progress };
    onChange();
  };

  const prepareSlot = (slot: Slot): Promise<PreparedModel> => {
    if (slot.prepared) return slot.prepared;
    const show = report(slot, "downloading");
    show({ loadedBytes: 0, totalBytes: 0 });
    const { signal } = slot.abort;
    slot.prepared = slot.source.prepare(show, signal).catch((cause) => {
      slot.prepared = undefined;
      throw signal.aborted ? signal.reason : cause;
    });
    const done = () => {
      if (slot.starting) return; // it goes on
      slot.loading = null;
      change();
    };
    slot.prepared.then(done, done);
    return slot.prepared;
  };

  /** Waits until one fewer is in memory than may be: those that nobody uses go, the one that was used last at last. */
  const makeRoom = async (signal: AbortSignal): Promise<void> => {
    while (inMemory.size >= max) {
      signal.throwIfAborted();
      const victim = [...slots.values()].find(({ resident, waiting }) => resident && !resident.isUsed && waiting === 0);
      if (victim) await retire(victim);
      else await changed;
    }
  };

  const retire = async (slot: Slot): Promise<void> => {
    const { resident } = slot;
    slot.resident = undefined;
    await resident?.retire();
    change();
  };

  const start = async (slot: Slot, prepared: PreparedModel, signal: AbortSignal): Promise<Resident> => {
    await makeRoom(signal);
    signal.throwIfAborted();
    const total = slot.loading?.totalBytes ?? 0;
    report(slot, "starting")({ loadedBytes: total, totalBytes: total });
    const startMs = performance.now();
    const model = await prepared.start(report(slot, "downloading"), signal);
    if (signal.aborted) {
      await model.dispose();
      throw signal.reason;
    }
    const resident: Resident = createResident(model, {
      loadMs: performance.now() - startMs,
      keepMs,
      onExpired: () => {
        if (slot.resident === resident && slot.waiting === 0) void retire(slot);
      },
      onIdle: change,
      onDisposed: () => {
        inMemory.delete(resident);
        change();
      },
    });
    inMemory.add(resident);
    slot.resident = resident;
    return resident;
  };

  const startSlot = (slot: Slot): Promise<Resident> => {
    slot.starting ??= (async () => {
      const { signal } = slot.abort;
      try {
        const prepared = await prepareSlot(slot);
        return await alone(() => start(slot, prepared, signal));
      } finally {
        slot.starting = undefined;
        slot.loading = null;
        change();
      }
    })();
    return slot.starting;
  };

  return {
    get loaded() {
      return [...slots.values()].flatMap(({ resident }) => resident ?? []).reverse();
    },
    get loading() {
      return [...slots.values()].findLast(({ loading }) => loading)?.loading ?? null;
    },
    get isIdle() {
      return inMemory.size < max || [...inMemory].every(({ isUsed }) => !isUsed);
    },
    source: (name) => slots.get(name)?.source,
    prepare: (source) => prepareSlot(slotOf(source)),
    async take(source) {
      const slot = slotOf(source);
      slot.waiting++;
      try {
        const resident = slot.resident ?? (await startSlot(slot));
        resident.take();
        return resident;
      } finally {
        slot.waiting--;
      }
    },
    async unload(name) {
      const slot = slots.get(name);
      if (!slot) return;
      if (slot.loading) {
        slots.delete(name);
        slot.abort.abort(cancelled(name));
      }
      await retire(slot);
    },
    forget(name) {
      const slot = slots.get(name);
      if (slot) slot.prepared = undefined;
    },
  };
}

const cancelled = (name: string) =>
  new VaultError("load-cancelled", `Loading ${name} was cancelled. Ask again to go on where it stopped.`);
