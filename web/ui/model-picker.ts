import { css, html, LitElement } from "lit";
import type { ListedModel } from "../../core/protocol.ts";
import { formatBytes } from "./format.ts";
import { theme } from "./theme.ts";

/** Which model is asked. Emits `choose`; `chosen` is the choice, `null` the site's own. */
export class ModelPicker extends LitElement {
  static override properties = { models: { attribute: false }, chosen: { attribute: false } };
  static override styles = [
    theme,
    css`
      select {
        width: 100%;
        min-height: 44px;
        padding: 0 2.1rem 0 0.8rem;
        border: 1px solid var(--line);
        border-radius: 10px;
        background:
          linear-gradient(45deg, transparent 50%, var(--muted) 50%) right 1.15rem center / 6px 6px no-repeat,
          linear-gradient(-45deg, transparent 50%, var(--muted) 50%) right 0.8rem center / 6px 6px no-repeat,
          var(--card);
        color: var(--ink);
        font: 0.92rem var(--sans);
        text-overflow: ellipsis;
        appearance: none;
        cursor: pointer;
      }
      select:hover {
        border-color: var(--accent);
      }
      option,
      optgroup {
        background: var(--card);
        color: var(--ink);
      }
    `,
  ];

  declare models: readonly ListedModel[];
  declare chosen: string | null;

  constructor() {
    super();
    this.models = [];
    this.chosen = null;
  }

  /** Whether and which name: a list that moves would close under the hand. */
  protected override shouldUpdate(changed: Map<string, unknown>): boolean {
    const before = changed.get("models") as readonly ListedModel[] | undefined;
    return changed.has("chosen") || !before || key(before) !== key(this.models);
  }

  override render() {
    const { here, others } = grouped(this.models);
    return html`
      <select aria-label="Model" @change=${this.#choose}>
        <option value="">Default model</option>
        ${this.chosen !== null && this.models.length === 0 ? this.#option(this.chosen, this.chosen) : ""}
        ${this.#group("On this device", here)} ${this.#group("Downloaded when asked", others)}
      </select>
    `;
  }

  /** Once its options are there. */
  protected override updated() {
    const select = this.renderRoot.querySelector("select");
    if (select) select.value = this.chosen ?? "";
  }

  #group(label: string, models: readonly ListedModel[]) {
    if (models.length === 0) return "";
    return html`<optgroup label=${label}>${models.map((model) => this.#option(model.name, textOf(model)))}</optgroup>`;
  }

  #option(name: string, text: string) {
    return html`<option value=${name}>${text}</option>`;
  }

  #choose(event: Event) {
    this.chosen = (event.target as HTMLSelectElement).value || null;
    this.dispatchEvent(new Event("choose"));
  }
}

const isHere = ({ files }: ListedModel): boolean => files.state === "stored";

const grouped = (models: readonly ListedModel[]) => ({
  here: models.filter(isHere),
  others: models.filter((model) => !isHere(model)),
});

const textOf = ({ name, parameters, sizeBytes, files }: ListedModel): string =>
  [name, parameters, files.state !== "stored" && sizeBytes ? formatBytes(sizeBytes) : ""].filter(Boolean).join(" · ");

const key = (models: readonly ListedModel[]): string =>
  models.map((model) => `${isHere(model)} ${textOf(model)}`).join("\n");
