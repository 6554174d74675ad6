import { css, html, LitElement } from "lit";
import type { GenerateInput } from "../../core/dialects/minivault.ts";
import type { ListedModel } from "../../core/protocol.ts";
import { keepDraft, readDraft } from "../draft.ts";
import { ModelPicker } from "./model-picker.ts";
import { theme } from "./theme.ts";

const EXAMPLES = [
  "Q: What is the capital of France?\nA:",
  "Once upon a time",
  "User: Tell me a joke about AI\nAssistant:",
] as const;

export class SubmitEvent extends Event {
  readonly input: GenerateInput;
  constructor(input: GenerateInput) {
    super("generate");
    this.input = input;
  }
}

/** `null`: the site's own choice. */
export class ChooseEvent extends Event {
  readonly model: string | null;
  constructor(model: string | null) {
    super("choose");
    this.model = model;
  }
}

/** Emits `generate` (a `SubmitEvent`), `stop` and `choose` (a `ChooseEvent`). */
export class PromptForm extends LitElement {
  static override properties = {
    busy: { type: Boolean },
    disabled: { type: Boolean },
    models: { attribute: false },
    chosen: { attribute: false },
  };
  static override styles = [
    theme,
    css`
      form {
        padding: 1rem;
      }
      .head {
        display: flex;
        align-items: center;
        justify-content: space-between;
        gap: 1rem;
      }
      model-picker {
        flex: 0 1 17rem;
        min-width: 0;
      }
      label {
        display: block;
        font-weight: 600;
        font-size: 0.95rem;
      }
      textarea {
        display: block;
        width: 100%;
        min-height: 7rem;
        margin-top: 0.5rem;
        padding: 0.75rem 0.9rem;
        border: 1px solid var(--line);
        border-radius: 10px;
        background: var(--paper);
        color: var(--ink);
        font: 0.95rem/1.5 var(--mono);
        resize: vertical;
      }
      .examples {
        display: flex;
        flex-wrap: wrap;
        gap: 0.5rem;
        margin: 0.6rem 0 0;
      }
      .examples button {
        min-height: 36px;
        max-width: 100%;
        padding: 0 0.75rem;
        border-radius: 18px;
        font-weight: 400;
        font-size: 0.85rem;
      }
      details {
        margin-top: 0.75rem;
      }
      summary {
        width: fit-content;
        padding: 0.35rem 0;
        color: var(--muted);
        font-size: 0.9rem;
        cursor: pointer;
      }
      .options {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr));
        gap: 0.75rem;
        padding-top: 0.5rem;
      }
      .options label {
        color: var(--muted);
        font-weight: 400;
        font-size: 0.85rem;
      }
      input {
        display: block;
        width: 100%;
        margin-top: 0.25rem;
        font-size: 0.95rem;
      }
      .actions {
        display: flex;
        align-items: center;
        gap: 1rem;
        margin-top: 1rem;
      }
      kbd {
        font: 0.8rem var(--mono);
      }
      @media (hover: none), (max-width: 32rem) {
        .hint {
          display: none;
        }
        .actions button {
          flex: 1;
        }
      }
    `,
  ];

  declare busy: boolean;
  declare disabled: boolean;
  declare models: readonly ListedModel[];
  declare chosen: string | null;

  /** A reload, of an update for instance, loses nothing. */
  readonly #draft = readDraft() ?? EXAMPLES[0];

  constructor() {
    super();
    this.busy = false;
    this.disabled = false;
    this.models = [];
    this.chosen = null;
  }

  override render() {
    return html`
      <form class="card" @submit=${this.#submit} @keydown=${this.#onKey}>
        <div class="head">
          <label for="prompt">Prompt</label>
          <model-picker .models=${this.models} .chosen=${this.chosen} @choose=${this.#choose}></model-picker>
        </div>
        <textarea id="prompt" name="prompt" required placeholder="The model continues what you write here." .defaultValue=${this.#draft} @input=${this.#keep}></textarea>
        <div class="examples" role="group" aria-label="Examples">
          ${EXAMPLES.map((example) => html`<button type="button" @click=${() => this.#fill(example)}>${label(example)}</button>`)}
        </div>
        <details>
          <summary>Options</summary>
          <div class="options">
            ${number("Most new tokens", "max_new_tokens", "1", "128")} ${number("Temperature", "temperature", "any", "the model's")}
            ${number("Seed", "seed", "1", "random")}
          </div>
        </details>
        <div class="actions">
          ${
            this.busy
              ? html`<button type="button" @click=${this.#stop}>Stop</button>`
              : html`<button class="primary" ?disabled=${this.disabled}>Generate</button>`
          }
          <span class="muted hint"><kbd>Ctrl</kbd> <kbd>Enter</kbd> generates, <kbd>Esc</kbd> stops</span>
        </div>
      </form>
    `;
  }

  get #form(): HTMLFormElement | null {
    return this.renderRoot.querySelector("form");
  }

  #fill(example: string) {
    const textarea = this.renderRoot.querySelector("textarea");
    if (!textarea) return;
    textarea.value = example;
    textarea.focus();
    keepDraft(example);
  }

  #keep(event: InputEvent) {
    keepDraft((event.target as HTMLTextAreaElement).value);
  }

  #onKey(event: KeyboardEvent) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.#form?.requestSubmit();
    if (event.key === "Escape" && this.busy) this.#stop();
  }

  #choose(event: Event) {
    this.dispatchEvent(new ChooseEvent((event.target as ModelPicker).chosen));
  }

  #stop() {
    this.dispatchEvent(new Event("stop"));
  }

  #submit(event: Event) {
    event.preventDefault();
    if (this.busy || this.disabled || !this.#form) return;
    const fields = new FormData(this.#form);
    const given = ["max_new_tokens", "temperature", "seed"].flatMap((name) => {
      const value = fields.get(name);
      return value ? [[name, Number(value)]] : [];
    });
    const model = this.chosen === null ? {} : { model: this.chosen };
    this.dispatchEvent(
      new SubmitEvent({ prompt: String(fields.get("prompt")), ...model, ...Object.fromEntries(given) }),
    );
  }
}

const number = (text: string, name: string, step: string, placeholder: string) => html`
  <label>${text}<input type="number" inputmode="decimal" name=${name} min=${step === "any" ? 0 : step} step=${step} placeholder=${placeholder} /></label>
`;

/** The question of an example, without its form. */
const label = (example: string) => example.replace(/^(Q|User): /, "").replace(/\n.*$/, "");

customElements.define("model-picker", ModelPicker);
