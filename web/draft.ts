const KEY = "minivault-draft";

/** What was being written when this tab was reloaded. Storage may be forbidden: there is no draft then. */
export function readDraft(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

export function keepDraft(text: string): void {
  try {
    sessionStorage.setItem(KEY, text);
  } catch {
    // Forbidden, or full: nothing else depends on it.
  }
}
