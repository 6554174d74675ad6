import { asVaultError, VaultError } from "./errors.ts";
import type { Engine, ListedModel, ModelCard } from "./protocol.ts";

export interface KnownModel {
  readonly name: string;
  readonly listed: ListedModel;
  /** `null`: it has not been loaded. */
  readonly card: ModelCard | null;
  readonly loaded: boolean;
  readonly onGpu: boolean;
  /** When it will be unloaded if nobody uses it, in milliseconds since 1970; `null`: never. */
  readonly expiresMs: number | null;
}

/** The models that a request may name; none where no page hosts an engine. Never starts a load. */
export async function knownModels(engine: Engine): Promise<readonly KnownModel[]> {
  const all = await engine.models().catch((cause: unknown) => {
    if (asVaultError(cause).code === "engine-absent") return [];
    throw cause;
  });
  const status = await engine.status();
  const residents = status.state === "ready" ? status.residents : [];
  const last = status.state === "unloaded" ? status.card : null;
  return all.map((listed) => {
    const resident = residents.find(({ model }) => model === listed.name);
    return {
      name: listed.name,
      listed,
      card: resident?.card ?? (last?.name === listed.name ? last : null),
      loaded: resident !== undefined,
      onGpu: resident?.device === "webgpu",
      expiresMs: resident?.expiresMs ?? null,
    };
  });
}

/** By name, or by its owner's. */
export async function findModel(engine: Engine, name: string): Promise<KnownModel> {
  const models = await knownModels(engine);
  const found = models.find((model) => model.name === name || model.listed.repo === name);
  if (found) return found;
  const others = models.map((model) => model.name).join(", ") || "none yet: open MiniVault in a tab";
  throw new VaultError("model-not-found", `There is no model ${name}. There is: ${others}.`, { field: "model" });
}

/** Its files are in this browser, or in the app itself. */
export const isHere = ({ listed }: KnownModel): boolean => listed.files.state === "stored";

export const sizeOf = ({ card, listed }: KnownModel): number => card?.sizeBytes || (listed.sizeBytes ?? 0);
