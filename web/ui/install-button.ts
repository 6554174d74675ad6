import { css, html, LitElement, nothing } from "lit";
import { type InstallPrompt, watchInstallPrompt } from "../install-prompt.ts";
import { theme } from "./theme.ts";

/** There while the browser offers to install the app, and nothing otherwise. */
export class InstallButton extends LitElement {
  static override styles = [
    theme,
    css`
      @media (max-width: 30rem) {
        button {
          padding: 0 0.7rem;
        }
      }
    `,
  ];

  #prompt: InstallPrompt | null = null;
  #stop: (() => void) | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.hidden = true; // takes no room in a row of others
    this.#stop = watchInstallPrompt((prompt) => {
      this.#prompt = prompt;
      this.hidden = !prompt;
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
