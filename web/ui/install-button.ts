import { html, LitElement, nothing } from "lit";
import { type InstallPrompt, watchInstallPrompt } from "../install-prompt.ts";
import { theme } from "./theme.ts";

/** There while the browser offers to install the app, and nothing otherwise. */
export class InstallButton extends LitElement {
  static override styles = theme;

  #prompt: InstallPrompt | null = null;
  #stop: (() => void) | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#stop = watchInstallPrompt((prompt) => {
      this.#prompt = prompt;
      this.requestUpdate();
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#stop?.();
  }

  override render() {
    if (!this.#prompt) return nothing;
    return html`<button title="Install MiniVault as an app" @click=${this.#prompt}>Install</button>`;
  }
}
