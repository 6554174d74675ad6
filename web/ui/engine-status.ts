import { css, html, LitElement, nothing } from "lit";
import type { EngineStatus, Progress } from "../../core/protocol.ts";
import type { UiState } from "../state.ts";
import { formatBytes, formatDevice } from "./format.ts";
import { theme } from "./theme.ts";

/** Model and device, progress of a download, and a notice if another model answers than the one that was asked for. */
export class EngineStatusView extends LitElement {
  static override properties = { state: { attribute: false } };
  static override styles = [
    theme,
    css`
      .chip {
        display: inline-flex;
        align-items: center;
        gap: 0.5rem;
        font-size: 0.9rem;
      }
      .dot {
        width: 0.6rem;
        height: 0.6rem;
        border-radius: 50%;
        background: var(--muted);
      }
      .ready .dot {
        background: var(--accent);
      }
      .failed .dot {
        background: var(--danger);
      }
      progress {
        display: block;
        width: 100%;
        height: 6px;
        margin-top: 0.5rem;
        border: 0;
        border-radius: 3px;
        background: var(--line);
        accent-color: var(--accent);
        appearance: none;
        overflow: hidden;
      }
      progress::-webkit-progress-bar {
        background: var(--line);
      }
      progress::-webkit-progress-value {
        background: var(--accent);
      }
      progress::-moz-progress-bar {
        background: var(--accent);
      }
      .notice {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        justify-content: space-between;
        gap: 0.75rem;
        margin-top: 0.75rem;
        padding: 0.75rem 1rem;
        border-radius: 10px;
        background: var(--notice);
        color: var(--notice-ink);
        font-size: 0.92rem;
      }
      .notice p {
        flex: 1 1 16rem;
        margin: 0;
      }
    `,
  ];

  declare state: UiState;

  override render() {
    const { phase, engine, problem } = this.state;
    if (phase === "unable") return this.#chip("failed", problem ?? "");
    if (phase === "starting") return html`${this.#chip("loading", "Preparing for offline use …")}<progress></progress>`;
    return this.#engine(engine);
  }

  #engine(engine: EngineStatus) {
    switch (engine.state) {
      case "absent":
        return this.#chip("loading", "Looking for the engine …");
      case "failed":
        return this.#chip("failed", engine.error.detail);
      case "loading":
        return html`${this.#chip("loading", `Loading ${engine.model}${size(engine)}`)} ${bar(engine)}`;
      case "unloaded":
        return this.#chip("loading", `${engine.card.name} · unloaded, back at the next request`);
      case "ready":
        return html`
          ${this.#chip("ready", `${engine.model} · ${formatDevice(engine.device)}`)}
          ${
            engine.fallback &&
            html`<div class="notice">
              <p>
                ${engine.fallback.wanted === "webgpu" ? nothing : html`<strong>${engine.model}</strong> answers in place of <strong>${engine.fallback.wanted}</strong>: `}
                ${engine.fallback.reason}.
              </p>
              ${engine.fallback.wanted === "webgpu" || engine.loading ? nothing : html`<button @click=${this.#retry}>Try again</button>`}
            </div>`
          }
          ${engine.loading && html`<p class="muted">Loading ${engine.fallback?.wanted}${size(engine.loading)}</p>${bar(engine.loading)}`}
        `;
    }
  }

  #chip(kind: "ready" | "loading" | "failed", text: string) {
    return html`<div class="chip ${kind}" role="status"><span class="dot"></span>${text}</div>`;
  }

  #retry() {
    this.dispatchEvent(new Event("retry"));
  }
}

const size = ({ loadedBytes, totalBytes }: Progress) =>
  totalBytes > 0 ? ` · ${formatBytes(loadedBytes)} of ${formatBytes(totalBytes)}` : " …";

const bar = ({ loadedBytes, totalBytes }: Progress) =>
  totalBytes > 0
    ? html`<progress aria-label="Download" max=${totalBytes} .value=${loadedBytes}></progress>`
    : html`<progress aria-label="Download"></progress>`;
