const KEY = "minivault-model";

/** Storage may be denied: then the choice lasts as long as the page. */
export function keepChosen(model: string | null): void {
  try {
    if (model === null) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, model);
  } catch {}
}

export function readChosen(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
