import { VaultError } from "./errors.ts";
import type { Engine, ModelCard } from "./protocol.ts";

export interface KnownModel {
  readonly name: string;
  /** `null` while it is loading for the first time. */
  readonly card: ModelCard | null;
  readonly loaded: boolean;
  readonly onGpu: boolean;
  /** When it will be unloaded if nobody uses it, in milliseconds since 1970; `null`: never. */
  readonly expiresMs: number | null;
}

/** The models that a request may name. Never starts a load. */
export async function knownModels(engine: Engine): Promise<readonly KnownModel[]> {
  const status = await engine.status();
  switch (status.state) {
    case "ready":
      return [
        {
          name: status.model,
          card: status.card,
          loaded: true,
          onGpu: status.device === "webgpu",
          expiresMs: status.expiresMs,
        },
      ];
    case "unloaded":
      return [{ name: status.card.name, card: status.card, loaded: false, onGpu: false, expiresMs: null }];
    case "loading":
      return [{ name: status.model, card: null, loaded: false, onGpu: false, expiresMs: null }];
    default:
      return [];
  }
}

export async function findModel(engine: Engine, name: string): Promise<KnownModel> {
  const models = await knownModels(engine);
  const found = models.find((model) => model.name === name);
  if (found) return found;
  const others = models.map((model) => model.name).join(", ") || "none yet: open MiniVault in a tab";
  throw new VaultError("model-not-found", `There is no model ${name}. There is: ${others}.`, { field: "model" });
}
