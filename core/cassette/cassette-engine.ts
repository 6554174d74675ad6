import { deferStream } from "../defer-stream.ts";
import { asVaultError, VaultError } from "../errors.ts";
import type { Engine, EngineStatus } from "../protocol.ts";
import { type Cassette, createCassette } from "./cassette.ts";
import { cassetteOf, isCassetteName, modelOf } from "./cassette-name.ts";
import { besides, statusOf } from "./cassette-status.ts";

export interface CassetteOptions {
  /** The text of a cassette's file; `null`: there is none. */
  readonly read: (name: string) => Promise<string | null>;
  /** The folder or the address of the files, for people: ends with `/`. */
  readonly where: string;
  /** Answers requests that name no model. */
  readonly wanted: string;
  readonly onStatus?: () => void;
}

/**
 * Answers `cassette:<name>` with what was recorded; whatever else is asked is for the engine below, which is asked for
 * nothing as long as nobody names a model of its own.
 */
export function createCassetteEngine<Below extends Engine>(below: Below, options: CassetteOptions): Below {
  const { read, where, wanted, onStatus = () => {} } = options;
  const cassettes = new Map<string, Promise<Cassette>>();
  const bornMs = performance.now();
  const standard = cassetteOf(wanted);
  let state: EngineStatus = { state: "absent" };

  const nameIn = (model: string | null): string | null => cassetteOf(model ?? wanted);

  const open = async (name: string): Promise<Cassette> => {
    const file = `${where}${name}.jsonl`;
    const jsonl = isCassetteName(name) ? await read(name) : null;
    if (jsonl !== null) return createCassette(name, jsonl, file);
    throw new VaultError("model-not-found", `There is no cassette ${name}: it would be ${file}.`, { field: "model" });
  };

  const tell = (next: EngineStatus) => {
    state = next;
    onStatus();
  };

  const take = (name: string): Promise<Cassette> => {
    const known = cassettes.get(name);
    if (known) return known;
    const isStandard = name === standard;
    const model = modelOf(name);
    const startMs = performance.now();
    if (isStandard) tell({ state: "loading", model, phase: "starting", loadedBytes: 0, totalBytes: 0 });
    const opening = open(name).then(
      (cassette) => {
        if (isStandard) tell(statusOf(model, cassette, performance.now() - startMs));
        return cassette;
      },
      (cause) => {
        cassettes.delete(name); // the file may come
        if (isStandard) tell({ state: "failed", error: asVaultError(cause).toWire() });
        throw cause;
      },
    );
    cassettes.set(name, opening);
    return opening;
  };

  return {
    ...below,
    async status() {
      const others = await below.status();
      if (standard === null) return others;
      return state.state === "ready" ? besides(state, others, performance.now() - bornMs) : state;
    },
    async admit(request) {
      const name = nameIn(request.model);
      if (name === null) return below.admit(request);
      (await take(name)).check(request);
    },
    async load(model, keepAliveMs) {
      const name = nameIn(model);
      if (name === null) return below.load(model, keepAliveMs);
      await take(name);
    },
    /** The next request finds it as it is then, and told to nobody. */
    async unload(model) {
      const name = nameIn(model);
      if (name === null || model === null) await below.unload(model);
      if (name === null) return;
      cassettes.delete(name);
      if (name === standard && state.state === "ready") tell({ state: "unloaded", card: state.card });
    },
    generate(request) {
      const name = nameIn(request.model);
      if (name === null) return below.generate(request);
      return deferStream(async () => (await take(name)).play(request));
    },
  };
}
