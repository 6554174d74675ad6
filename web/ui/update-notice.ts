import { css, html, LitElement, nothing } from "lit";
import { type UpdateState, updates } from "../update.ts";
import { theme } from "./theme.ts";

/** Offers a new version of the page. Takes no room while there is none. */
export class UpdateNotice extends LitElement {
  static override styles = [
    theme,
    css`
      .notice {
        background: var(--notice);
        color: var(--notice-ink);
      }
      .line {
        display: flex;
        align-items: center;
        justify-content: space-between;
        gap: 0.5rem;
        max-width: var(--notice-width, 46rem);
        min-height: 60px;
        margin: 0 auto;
        padding: 0.5rem 1rem;
        font-size: 0.9rem;
      }
      p {
        margin: 0;
      }
      button {
        flex: none;
        padding: 0 0.9rem;
        font-size: 0.9rem;
      }
    `,
  ];

  readonly #update = () => this.requestUpdate();

  override connectedCallback() {
    super.connectedCallback();
    updates.addEventListener("change", this.#update);
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    updates.removeEventListener("change", this.#update);
  }

  protected override firstUpdated() {
    updates.show();
  }

  override render() {
    const { state } = updates;
    // A live region is read out if it was there before its text.
    return html`<div class="notice" role="status">${state === "none" ? nothing : this.#offer(state)}</div>`;
  }

  #offer(state: Exclude<UpdateState, "none">) {
    return html`
      <div class="line">
        <p>${TEXT[state]}</p>
        ${state === "ready" ? html`<button @click=${() => updates.install()}>Reload to update</button>` : nothing}
      </div>
    `;
  }
}

const TEXT = {
  ready: "A new version is ready.",
  waiting: "The new version waits for the answer to end.",
  updating: "Updating …",
} as const;

customElements.define("update-notice", UpdateNotice);
