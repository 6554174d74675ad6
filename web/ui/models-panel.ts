import { css, html, LitElement, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { asVaultError } from "../../core/errors.ts";
import type { EngineStatus, ImportToPage, ListedModel, PickedFile } from "../../core/protocol.ts";
import { type Bringing, bringModel } from "../bring-model.ts";
import { library } from "../library.ts";
import { type AddEvent, AddModel, type PickEvent } from "./add-model.ts";
import { formatBytes, formatProgress } from "./format.ts";
import { storedBytes } from "./model-facts.ts";
import { ModelRow, type Wish, type WishEvent } from "./model-row.ts";
import { progressBar, progressStyle } from "./progress-bar.ts";
import { theme } from "./theme.ts";

/** All models, what they take, and how to add one. */
export class ModelsPanel extends LitElement {
  static override properties = {
    models: { attribute: false },
    engine: { attribute: false },
    importing: { state: true },
    problems: { state: true },
    said: { state: true },
    freeBytes: { state: true },
  };
  static override styles = [
    theme,
    progressStyle,
    css`
      ul {
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li,
      add-model,
      .importing,
      .stored {
        border-top: 1px solid var(--line);
      }
      .stored,
      .empty {
        margin: 0;
        padding: 0.7rem 1rem;
        font-size: 0.85rem;
        outline: none;
      }
      .importing {
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        align-items: center;
        gap: 0.35rem 1rem;
        padding: 0.8rem 1rem;
      }
      .importing p {
        margin: 0;
        overflow-wrap: anywhere;
      }
      .importing progress {
        grid-column: 1;
      }
      .importing button {
        grid-row: 1 / span 3;
        grid-column: 2;
        padding: 0 0.85rem;
        font-size: 0.86rem;
      }
      .figures {
        font-size: 0.83rem;
        font-variant-numeric: tabular-nums;
      }
      .problems {
        display: flex;
        gap: 1rem;
        align-items: flex-start;
        justify-content: space-between;
        margin: 0 1rem 1rem;
        padding: 0.75rem 0.75rem 0.75rem 1rem;
        border-radius: 10px;
        background: var(--danger-wash);
        color: var(--danger);
        font-size: 0.9rem;
      }
      .problems ul {
        display: grid;
        gap: 0.35rem;
        min-width: 0;
        padding: 0.5rem 0;
        overflow-wrap: anywhere;
      }
      .problems li {
        border: 0;
      }
      .problems button {
        flex: none;
        border-color: currentColor;
        background: none;
        color: inherit;
        padding: 0 0.85rem;
        font-size: 0.86rem;
      }
    `,
  ];

  declare models: readonly ListedModel[];
  declare engine: EngineStatus;
  /** What is being stored from the disk. */
  declare importing: Extract<ImportToPage, { type: "progress" }> | null;
  /** Why what was last wished for did not happen, a sentence each. */
  declare problems: readonly string[];
  /** For those who do not see it. */
  declare said: string;
  declare freeBytes: number | null;

  #bringing: Bringing | null = null;

  constructor() {
    super();
    this.models = [];
    this.engine = { state: "absent" };
    this.importing = null;
    this.problems = [];
    this.said = "";
    this.freeBytes = null;
  }

  /** Stores a model of these files. */
  bring(files: readonly PickedFile[]): void {
    this.problems = [];
    if (this.#bringing) {
      this.problems = ["Another model is being added. Wait until it is here."];
      return;
    }
    const taken = this.models.flatMap(({ name, repo }) => [name, repo]);
    this.importing = { type: "progress", name: "", loadedBytes: 0, totalBytes: 0 };
    this.#bringing = bringModel(files, taken, (news) => this.#onNews(news));
  }

  #onNews(news: ImportToPage) {
    if (news.type === "progress") {
      this.importing = news;
      return;
    }
    this.#bringing = null;
    this.importing = null;
    if (news.type === "refused") this.problems = news.problems;
    if (news.type === "stored") this.said = `${news.name} was added.`;
    if (news.type === "cancelled") this.said = "The model was not added.";
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    this.#bringing?.cancel();
  }

  override render() {
    // What is being stored is listed too, as a part.
    const models = this.models.filter(({ name }) => name !== this.importing?.name);
    return html`
      ${models.length === 0 ? html`<p class="empty muted">The engine has not told yet which models there are.</p>` : nothing}
      <ul>
        ${repeat(
          models,
          ({ name }) => name,
          (model) =>
            html`<li><model-row .model=${model} .engine=${this.engine} @wish=${({ wish }: WishEvent) => this.#wish(wish, model.name)}></model-row></li>`,
        )}
      </ul>
      ${this.importing ? this.#import(this.importing) : nothing}
      <p class="stored muted" tabindex="-1">${this.#storage()}</p>
      <add-model
        @add=${({ model }: AddEvent) => this.#wish("download", model)}
        @pick=${({ files }: PickEvent) => this.bring(files)}
      ></add-model>
      ${this.problems.length > 0 ? this.#problems() : nothing}
      <p class="visually-hidden" role="status">${this.said}</p>
    `;
  }

  #import(progress: Extract<ImportToPage, { type: "progress" }>) {
    const { name } = progress;
    return html`
      <div class="importing">
        <p>${name ? html`Adding <strong>${name}</strong>` : "Checking the files …"}</p>
        ${progressBar("Adding a model", progress)}
        <p class="figures muted">${formatProgress(progress).join(" · ")}</p>
        <button @click=${() => this.#bringing?.cancel()}>Cancel</button>
      </div>
    `;
  }

  #problems() {
    return html`
      <div class="problems" role="alert">
        <ul>${this.problems.map((problem) => html`<li>${problem}</li>`)}</ul>
        <button @click=${() => (this.problems = [])}>Close</button>
      </div>
    `;
  }

  #storage(): string {
    if (this.engine.notKept) return this.engine.notKept;
    const used = this.models.reduce((sum, model) => sum + storedBytes(model), 0);
    const free = this.freeBytes === null ? "" : ` This browser has room for ${formatBytes(this.freeBytes)} more.`;
    return `${used > 0 ? `Models take ${formatBytes(used)} of your disk.` : "No model takes room on your disk."}${free}`;
  }

  protected override updated(changed: Map<string, unknown>) {
    if (changed.has("problems")) this.renderRoot.querySelector(".problems")?.scrollIntoView({ block: "nearest" });
    if (changed.has("models") && stored(changed.get("models")) !== stored(this.models)) void this.#measure();
  }

  /** Browsers count with a delay, and round. */
  async #measure() {
    const { quota, usage = 0 } = (await navigator.storage?.estimate().catch(() => null)) ?? {};
    this.freeBytes = quota === undefined ? null : Math.max(0, quota - usage);
  }

  async #wish(wish: Wish, model: string) {
    this.problems = [];
    // Its row may be gone with it.
    if (wish === "remove") this.renderRoot.querySelector<HTMLElement>(".stored")?.focus();
    try {
      await library[wish](model);
      this.said = DONE[wish](model);
    } catch (cause) {
      this.problems = [asVaultError(cause).message];
    }
  }
}

const DONE: Readonly<Record<Wish, (model: string) => string>> = {
  download: (model) => `${model} is being downloaded.`,
  pause: (model) => `The download of ${model} is paused.`,
  remove: (model) => `${model} was deleted.`,
  unload: (model) => `${model} was unloaded.`,
};

/** What the room depends on, but for a download that goes on. */
const stored = (models: unknown): string =>
  ((models ?? []) as readonly ListedModel[]).map(({ name, files }) => `${name} ${files.state}`).join();

customElements.define("model-row", ModelRow);
customElements.define("add-model", AddModel);
customElements.define("models-panel", ModelsPanel);

declare global {
  interface HTMLElementTagNameMap {
    "models-panel": ModelsPanel;
  }
}
