import { type EngineStatus, GREEDY, type ModelCard } from "../protocol.ts";
import type { Cassette } from "./cassette.ts";

type Ready = Extract<EngineStatus, { state: "ready" }>;

/** A cassette as an engine introduces its model. */
export function statusOf(model: string, { sizeBytes, device }: Cassette, loadMs: number): Ready {
  const card: ModelCard = { ...CARD, name: model, sizeBytes, loadedMs: Date.now() };
  return {
    state: "ready",
    uptimeMs: 0,
    loading: null,
    model,
    card,
    device,
    threads: 1,
    contextTokens: 0,
    loadMs,
    expiresMs: null,
    fallback: null,
    selfCheck: { durationMs: 0, deviation: 0 },
    residents: [{ model, card, device, expiresMs: null }],
  };
}

/** With what the engine below has in memory, or on its way. */
export function besides(own: Ready, below: EngineStatus, uptimeMs: number): Ready {
  if (below.state === "loading") return { ...own, uptimeMs, loading: below };
  if (below.state !== "ready") return { ...own, uptimeMs };
  return { ...own, uptimeMs, loading: below.loading, residents: [...own.residents, ...below.residents] };
}

/** Nobody knows, and nobody needs to. */
const CARD: Omit<ModelCard, "name" | "sizeBytes" | "loadedMs"> = {
  family: "cassette",
  parameters: "",
  precision: "",
  digest: "",
  licence: "",
  contextTokens: 0,
  vocabularySize: 0,
  chatTemplate: "",
  endToken: "",
  defaults: GREEDY,
};
