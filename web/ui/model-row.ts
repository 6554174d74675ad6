import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import type { EngineStatus, ListedModel } from "../../core/protocol.ts";
import type { library } from "../library.ts";
import { formatBytes, formatProgress } from "./format.ts";
import { deviceOf, factsOf, placeOf, storedBytes } from "./model-facts.ts";
import { progressBar, progressStyle } from "./progress-bar.ts";
import { theme } from "./theme.ts";

export type Wish = keyof typeof library;

export class WishEvent extends Event {
  readonly wish: Wish;
  constructor(wish: Wish) {
    super("wish");
    this.wish = wish;
  }
}

/** A model, what becomes of its files, and what can be done with it. Emits `wish`. */
export class ModelRow extends LitElement {
  static override properties = {
    model: { attribute: false },
    engine: { attribute: false },
    isAsking: { state: true },
  };
  static override styles = [
    theme,
    progressStyle,
    css`
      :host {
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        align-items: center;
        gap: 0.35rem 1rem;
        padding: 0.8rem 1rem;
      }
      h3 {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 0.2rem 0.5rem;
        margin: 0;
        font-size: 0.95rem;
        font-weight: 600;
      }
      .name {
        overflow-wrap: anywhere;
      }
      .badge {
        padding: 0.05rem 0.5rem;
        border: 1px solid var(--line);
        border-radius: 999px;
        color: var(--muted);
        font-size: 0.76rem;
        font-weight: 500;
      }
      .badge.loaded {
        border-color: transparent;
        background: var(--wash);
        color: var(--accent-strong);
      }
      p {
        margin: 0;
        overflow-wrap: anywhere;
      }
      .facts,
      .figures {
        color: var(--muted);
        font-size: 0.83rem;
        font-variant-numeric: tabular-nums;
      }
      .facts {
        display: flex;
        flex-wrap: wrap;
        gap: 0 1rem;
        margin-top: 0.15rem;
      }
      .files {
        display: grid;
        grid-column: 1 / -1;
        gap: 0.35rem;
      }
      .bad {
        color: var(--danger);
        font-size: 0.88rem;
      }
      .actions {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        justify-content: flex-end;
        gap: 0.5rem;
      }
      .asking {
        grid-column: 1 / -1;
        justify-content: space-between;
        padding: 0.5rem 0.5rem 0.5rem 0.9rem;
        border-radius: 10px;
        background: var(--danger-wash);
        color: var(--danger);
        font-size: 0.9rem;
      }
      .asking p {
        flex: 1 1 12rem;
      }
      button {
        min-height: 40px;
        padding: 0 0.85rem;
        font-size: 0.86rem;
      }
      button.danger {
        border-color: transparent;
        background: var(--danger);
        color: var(--card);
      }
      @media (hover: none), (max-width: 32rem) {
        button {
          min-height: 44px;
        }
      }
      @media (max-width: 32rem) {
        .asking {
          padding: 0.75rem 0.9rem;
        }
        .asking p {
          flex-basis: 100%;
        }
        .asking button {
          flex: 1;
        }
        :host([wide]) {
          grid-template-columns: minmax(0, 1fr);
        }
        :host([wide]) .actions {
          order: 1;
          justify-content: flex-start;
          margin-top: 0.25rem;
        }
      }
    `,
  ];

  declare model: ListedModel;
  declare engine: EngineStatus;
  declare isAsking: boolean;

  constructor() {
    super();
    this.isAsking = false;
  }

  override render() {
    const place = placeOf(this.model);
    const device = deviceOf(this.engine, this.model.name);
    const buttons = this.#buttons(device !== null);
    this.toggleAttribute("wide", buttons.length > 1); // on a phone they take a line of their own
    return html`
      <div>
        <h3>
          <span class="name" title=${this.model.repo}>${this.model.name}</span>
          ${device && html`<span class="badge loaded">Loaded on ${device}</span>`}
          ${place && html`<span class="badge">${place}</span>`}
        </h3>
        <p class="facts">${factsOf(this.model).map((fact) => html`<span>${fact}</span>`)}</p>
      </div>
      ${this.isAsking ? nothing : html`<div class="actions">${buttons}</div>`} ${this.#files()}
      ${this.isAsking ? this.#question() : nothing}
    `;
  }

  #files() {
    const { files, name, source } = this.model;
    if (files.state === "remote" || files.state === "stored") return nothing;
    const rate = files.state === "downloading" ? files.bytesPerSecond : 0;
    const isStill = files.state !== "downloading" || files.retrying !== null;
    const state = files.state === "paused" ? (source === "import" ? "not all of it is here" : "paused") : "";
    const figures = [...formatProgress(files, isStill ? 0 : rate), state].filter(Boolean);
    return html`
      <div class="files">
        ${progressBar(`Download of ${name}`, files, isStill)}
        <p class="figures">${figures.join(" · ")}</p>
        ${files.state === "failed" ? html`<p class="bad">${files.error.detail}</p>` : nothing}
        ${files.state === "downloading" && files.retrying ? html`<p class="figures">${files.retrying}</p>` : nothing}
      </div>
    `;
  }

  #buttons(isLoaded: boolean): TemplateResult[] {
    const { source, files } = this.model;
    const isOurs = source === "embedded" || source === "site";
    const ask = this.#button("Delete", () => this.#ask(true), "delete");
    switch (files.state) {
      case "remote":
        return [this.#wish("Download", "download")];
      case "downloading":
        return [this.#wish("Pause", "pause"), ask];
      case "paused":
        return source === "import" ? [ask] : [this.#wish("Resume", "download"), ask];
      case "failed":
        return [this.#wish("Try again", "download"), ask];
      case "stored":
        return [...(isLoaded ? [this.#wish("Unload", "unload")] : []), ...(isOurs ? [] : [ask])];
    }
  }

  #wish(text: string, wish: Wish) {
    return this.#button(text, () => this.dispatchEvent(new WishEvent(wish)));
  }

  #button(text: string, onClick: () => void, id = "") {
    return html`<button id=${id || nothing} @click=${onClick}>${text}<span class="visually-hidden"> ${this.model.name}</span></button>`;
  }

  #question() {
    const bytes = storedBytes(this.model);
    const again = this.model.source === "import" ? "Your own files stay." : "It can be downloaded again.";
    return html`
      <div class="actions asking" role="group" aria-label="Delete ${this.model.name}?" @keydown=${this.#onKey}>
        <p>Delete ${bytes > 0 ? formatBytes(bytes) : "it"}? ${again}</p>
        <button id="keep" @click=${() => this.#ask(false)}>Keep</button>
        <button class="danger" @click=${this.#delete}>Delete</button>
      </div>
    `;
  }

  #onKey({ key }: KeyboardEvent) {
    if (key === "Escape") void this.#ask(false);
  }

  #delete() {
    this.isAsking = false;
    this.dispatchEvent(new WishEvent("remove"));
  }

  /** Whoever uses the keyboard is led to the answer, and back. */
  async #ask(isAsking: boolean) {
    this.isAsking = isAsking;
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>(isAsking ? "#keep" : "#delete")?.focus();
  }
}
