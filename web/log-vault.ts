import { VaultError } from "../core/errors.ts";
import type { VaultStatus } from "../core/log/log-record.ts";
import type { WireError } from "../core/protocol.ts";

/** `unsupported`: this log is in memory, or in files. */
export type LogLock = VaultStatus | { readonly state: "unsupported"; readonly locks_at: null };

async function answered(path: string, body?: object): Promise<LogLock> {
  const response = await fetch(`./logs/vault${path}`, body && { method: "POST", body: JSON.stringify(body) });
  if (response.ok) return (await response.json()) as LogLock;
  throw VaultError.fromWire((await response.json()) as WireError);
}

export const logLock = (): Promise<LogLock> => answered("");
export const setPassphrase = (passphrase: string): Promise<LogLock> => answered("", { passphrase });
export const unlockLog = (passphrase: string): Promise<LogLock> => answered("/unlock", { passphrase });
export const lockLog = (): Promise<LogLock> => answered("/lock", {});
