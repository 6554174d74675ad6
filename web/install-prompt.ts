/** https://developer.mozilla.org/docs/Web/API/BeforeInstallPromptEvent, in Chromium only. */
interface BeforeInstallPromptEvent extends Event {
  /** Works once for each event. */
  prompt(): Promise<unknown>;
}

/** Asks the browser to ask the user; there is none while the browser would not. */
export type InstallPrompt = () => Promise<void>;

/** Keeps the browser's offer to install the app. `onChange` hears of it as it comes and goes. */
export function watchInstallPrompt(onChange: (prompt: InstallPrompt | null) => void): () => void {
  const over = new AbortController();
  const { signal } = over;
  const offered = (event: Event) => {
    event.preventDefault(); // else a phone shows a bar of its own
    onChange(async () => {
      onChange(null); // a second offer comes with a new event
      await (event as BeforeInstallPromptEvent).prompt();
    });
  };
  window.addEventListener("beforeinstallprompt", offered, { signal });
  window.addEventListener("appinstalled", () => onChange(null), { signal });
  return () => over.abort();
}
