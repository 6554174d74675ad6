import { css, html, LitElement, nothing } from "lit";
import type { EngineStatus, Fallback, Loading } from "../../core/protocol.ts";
import { rateOf, type UiState } from "../state.ts";
import { formatDevice, formatProgress } from "./format.ts";
import { progressBar, progressStyle } from "./progress-bar.ts";
import { theme } from "./theme.ts";

/**
 * Model and device, a model on its way, and a notice if another model answers than the one that was asked for.
 * Emits `retry`, and `cancel` for what is on its way.
 */
export class EngineStatusView extends LitElement {
  static override properties = { state: { attribute: false } };
  static override styles = [
    theme,
    progressStyle,
    css`
      .chip {
        display: flex;
        align-items: baseline;
        gap: 0.5rem;
        min-width: 0;
        font-size: 0.9rem;
        overflow-wrap: anywhere;
      }
      .dot {
        flex: none;
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
      .coming {
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        align-items: center;
        gap: 0 1rem;
      }
      .chip + .coming {
        margin-top: 0.5rem;
      }
      .notice + .coming {
        margin-top: 0.9rem;
      }
      .coming progress {
        grid-column: 1;
        margin-top: 0.4rem;
      }
      .coming button {
        grid-row: 1 / span 2;
        grid-column: 2;
        min-height: 40px;
        padding: 0 0.9rem;
        font-size: 0.88rem;
      }
      .line {
        display: flex;
        flex-wrap: wrap;
        align-items: baseline;
        justify-content: space-between;
        gap: 0 1rem;
      }
      .figures {
        color: var(--muted);
        font-size: 0.85rem;
        font-variant-numeric: tabular-nums;
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
    if (phase === "unable") return chip("failed", problem ?? "");
    if (phase === "starting") return html`${chip("loading", "Preparing for offline use …")}<progress></progress>`;
    return this.#engine(engine);
  }

  #engine(engine: EngineStatus) {
    switch (engine.state) {
      case "absent":
        return chip("loading", "Looking for the engine …");
      case "failed":
        return chip("failed", engine.error.detail);
      case "loading":
        return this.#coming(engine);
      case "unloaded":
        return chip("loading", `${engine.card.name} · unloaded, back at the next request`);
      case "ready":
        return html`
          ${chip("ready", `${engine.model} · ${formatDevice(engine.device)}`)}
          ${engine.fallback && this.#notice(engine.model, engine.fallback, engine.loading !== null)}
          ${engine.caution && html`<div class="notice"><p>${engine.caution}</p></div>`}
          ${engine.loading && this.#coming(engine.loading)}
        `;
    }
  }

  #notice(model: string, { wanted, reason }: Fallback, isTried: boolean) {
    const isDevice = wanted === "webgpu" || wanted === "wasm";
    return html`
      <div class="notice">
        <p>
          ${isDevice ? nothing : html`<strong>${model}</strong> answers in place of <strong>${wanted}</strong>: `}${reason}
        </p>
        ${isDevice || isTried ? nothing : html`<button @click=${() => this.#emit("retry")}>Try again</button>`}
      </div>
    `;
  }

  /** The figures change all the time: they are no part of what is read out. */
  #coming(loading: Loading) {
    const { model, phase } = loading;
    const isDownloading = phase === "downloading";
    const figures = isDownloading ? formatProgress(loading, rateOf(this.state.models, model)) : [];
    return html`
      <div class="coming">
        <div class="line">
          ${chip("loading", `${isDownloading ? "Downloading" : "Starting"} ${model}${figures.length > 0 ? "" : " …"}`)}
          <span class="figures">${figures.join(" · ")}</span>
        </div>
        ${progressBar(isDownloading ? "Download" : "Start", isDownloading ? loading : { loadedBytes: 0, totalBytes: 0 })}
        <button @click=${() => this.#emit("cancel")}>Cancel<span class="visually-hidden"> ${model}</span></button>
      </div>
    `;
  }

  #emit(name: "retry" | "cancel") {
    this.dispatchEvent(new Event(name));
  }
}

const chip = (kind: "ready" | "loading" | "failed", text: string) =>
  html`<div class="chip ${kind}" role="status"><span class="dot"></span><span>${text}</span></div>`;
