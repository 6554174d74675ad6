import type { EngineStatus, ListedModel } from "../../core/protocol.ts";
import { formatBytes, formatCount, formatDevice } from "./format.ts";

/** What its owner says of a model, in a line. */
export function factsOf({ parameters, contextTokens, licence, sizeBytes }: ListedModel): string[] {
  return [
    ...(parameters ? [`${parameters} parameters`] : []),
    ...(contextTokens ? [`${formatCount(contextTokens, "token")} of context`] : []),
    ...(sizeBytes ? [formatBytes(sizeBytes)] : []),
    ...(licence ? [licence] : []),
  ];
}

/** Where its files are, if they are here. */
export function placeOf({ source, files }: ListedModel): string | null {
  if (source === "embedded") return "In the app";
  if (files.state !== "stored") return null;
  return { site: "On this site", hub: "Downloaded", import: "From your disk" }[source];
}

/** The device that it runs on, if it is loaded. */
export function deviceOf(engine: EngineStatus, name: string): string | null {
  if (engine.state !== "ready") return null;
  const resident = engine.residents.find(({ model }) => model === name);
  return resident ? formatDevice(resident.device) : null;
}

/** Bytes that a model takes of what the browser keeps for this site. */
export function storedBytes({ source, files, sizeBytes }: ListedModel): number {
  if (source === "embedded" || source === "site") return 0;
  if (files.state === "stored") return sizeBytes ?? 0;
  return files.state === "remote" ? 0 : files.loadedBytes;
}
