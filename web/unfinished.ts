/** The answer that this tab is waiting for, so that it is there again after a reload. */
export interface Unfinished {
  readonly requestId: string;
  readonly prompt: string;
}

const KEY = "minivault-unfinished";

/** Storage may be denied: then a reload forgets. */
export function rememberUnfinished(answer: Unfinished | null): void {
  try {
    if (answer) sessionStorage.setItem(KEY, JSON.stringify(answer));
    else sessionStorage.removeItem(KEY);
  } catch {}
}

export function recallUnfinished(): Unfinished | null {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Unfinished | null;
  } catch {
    return null;
  }
}
