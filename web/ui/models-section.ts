import { css, html, LitElement, nothing } from "lit";
import type { EngineStatus, ListedModel, PickedFile } from "../../core/protocol.ts";
import { droppedFiles } from "../picked-files.ts";
import { theme } from "./theme.ts";

/** One line about the models; opened, all of them. Files may be dropped anywhere on the page. */
export class ModelsSection extends LitElement {
  static override properties = {
    models: { attribute: false },
    engine: { attribute: false },
    isOpen: { state: true },
    isDraggedOver: { state: true },
  };
  static override styles = [
    theme,
    css`
      summary {
        display: flex;
        align-items: center;
        gap: 0.6rem;
        min-height: 52px;
        padding: 0 1rem;
        border-radius: 14px;
        cursor: pointer;
        list-style: none;
      }
      summary::-webkit-details-marker {
        display: none;
      }
      summary::after {
        content: "";
        flex: none;
        width: 0.45rem;
        height: 0.45rem;
        margin: 0 0.2rem 0.2rem 0;
        border: solid var(--muted);
        border-width: 0 2px 2px 0;
        transform: rotate(45deg);
      }
      details[open] summary::after {
        margin: 0.2rem 0.2rem 0 0;
        transform: rotate(-135deg);
      }
      summary:hover::after {
        border-color: var(--accent);
      }
      .count {
        flex: 1;
        overflow: hidden;
        font-size: 0.88rem;
        text-align: right;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .bad {
        margin: 0;
        padding: 0 1rem 1rem;
        color: var(--danger);
      }
      .drop {
        position: fixed;
        z-index: 1;
        inset: 0.75rem;
        display: grid;
        place-items: center;
        border: 2px dashed var(--accent);
        border-radius: 14px;
        background: color-mix(in srgb, var(--wash) 94%, transparent);
        color: var(--accent-strong);
        font-size: 1.1rem;
        font-weight: 600;
        text-align: center;
        pointer-events: none;
      }
    `,
  ];

  declare models: readonly ListedModel[];
  declare engine: EngineStatus;
  declare isOpen: boolean;
  declare isDraggedOver: boolean;

  #isLoaded = false;
  #problem: string | null = null;
  readonly #gone = new AbortController();

  constructor() {
    super();
    this.models = [];
    this.engine = { state: "absent" };
    this.isOpen = false;
    this.isDraggedOver = false;
  }

  override connectedCallback() {
    super.connectedCallback();
    const { signal } = this.#gone;
    window.addEventListener("dragover", (event) => this.#dragOver(event), { signal });
    window.addEventListener("dragleave", (event) => this.#dragLeave(event), { signal });
    window.addEventListener("drop", (event) => void this.#drop(event), { signal });
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    this.#gone.abort();
  }

  override render() {
    return html`
      <details class="card" .open=${this.isOpen} @toggle=${this.#toggle}>
        <summary>
          <h2>Models</h2>
          <span class="count muted">${countOf(this.models)}</span>
        </summary>
        ${this.#problem && html`<p class="bad" role="alert">${this.#problem}</p>`}
        ${this.#isLoaded ? html`<models-panel .models=${this.models} .engine=${this.engine}></models-panel>` : nothing}
      </details>
      ${this.isDraggedOver ? html`<div class="drop">Drop the folder of a model</div>` : nothing}
    `;
  }

  async #toggle(event: Event) {
    this.isOpen = (event.target as HTMLDetailsElement).open;
    if (this.isOpen) await this.#load();
  }

  /** Few visits need it. */
  async #load() {
    try {
      await import("./models-panel.ts");
      this.#isLoaded = true;
      this.#problem = null;
    } catch {
      this.#problem = "The list cannot be loaded. Check the connection and reload the page.";
    }
    this.requestUpdate();
    await this.updateComplete;
  }

  #dragOver(event: DragEvent) {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault(); // else the browser opens the files in place of the page
    event.dataTransfer.dropEffect = "copy";
    this.isDraggedOver = true;
  }

  /** Between elements it comes too; out of the window with nothing that is entered. */
  #dragLeave({ relatedTarget }: DragEvent) {
    if (relatedTarget === null) this.isDraggedOver = false;
  }

  async #drop(event: DragEvent) {
    this.isDraggedOver = false;
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    const dropped = droppedFiles(event.dataTransfer);
    this.isOpen = true;
    await this.#load();
    this.renderRoot.querySelector("models-panel")?.bring(await dropped.catch((): PickedFile[] => []));
  }
}

function countOf(models: readonly ListedModel[]): string {
  if (models.length === 0) return "";
  const here = models.filter(({ files }) => files.state === "stored").length;
  const coming = models.filter(({ files }) => files.state === "downloading").length;
  const others = models.length - here - coming;
  return [
    `${here} here`,
    ...(coming > 0 ? [`${coming} downloading`] : others > 0 ? [`${others} to download`] : []),
  ].join(" · ");
}
