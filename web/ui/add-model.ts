import { css, html, LitElement, nothing } from "lit";
import type { PickedFile } from "../../core/protocol.ts";
import { hubIdIn } from "../hub-id.ts";
import { filesOf } from "../picked-files.ts";
import { theme } from "./theme.ts";

export class AddEvent extends Event {
  readonly model: string;
  constructor(model: string) {
    super("add");
    this.model = model;
  }
}

export class PickEvent extends Event {
  readonly files: readonly PickedFile[];
  constructor(files: readonly PickedFile[]) {
    super("pick");
    this.files = files;
  }
}

/** Two ways to another model: its hub id, or its files. Emits `add` and `pick`. */
export class AddModel extends LitElement {
  static override properties = { problem: { state: true } };
  static override styles = [
    theme,
    css`
      :host {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr));
        gap: 1.25rem 2rem;
        padding: 1rem;
      }
      label,
      h3 {
        display: block;
        margin: 0 0 0.5rem;
        font-size: 0.92rem;
        font-weight: 600;
      }
      .line {
        display: flex;
        gap: 0.5rem;
      }
      .line > * {
        flex: 1 1 auto;
      }
      input {
        flex: 1;
        min-width: 0;
      }
      form button {
        flex: none;
      }
      button {
        padding: 0 0.9rem;
        font-size: 0.9rem;
      }
      p {
        margin: 0.5rem 0 0;
        font-size: 0.83rem;
      }
      .bad {
        color: var(--danger);
      }
    `,
  ];

  declare problem: string | null;

  constructor() {
    super();
    this.problem = null;
  }

  override render() {
    return html`
      <form @submit=${this.#submit}>
        <label for="hub-id">Add from the hub</label>
        <div class="line">
          <input
            id="hub-id"
            name="hub-id"
            placeholder="owner/name"
            autocomplete="off"
            autocapitalize="off"
            spellcheck="false"
            required
            aria-describedby="hub-hint"
            @input=${() => (this.problem = null)}
          />
          <button>Add</button>
        </div>
        <p id="hub-hint" class="muted">Any decoder-only model with ONNX files.</p>
        ${this.problem ? html`<p class="bad" role="alert">${this.problem}</p>` : nothing}
      </form>
      <div role="group" aria-labelledby="disk" @change=${this.#pick}>
        <h3 id="disk">Add from your disk</h3>
        <div class="line">
          <button @click=${() => this.#open("folder")}>Choose a folder</button>
          <button @click=${() => this.#open("files")}>Choose files</button>
        </div>
        <input id="folder" type="file" webkitdirectory hidden />
        <input id="files" type="file" multiple hidden />
        <p class="muted">
          Or drop it on the page: config, tokenizer, ONNX. Of several precisions, the best for the GPU and the best for
          the CPU are kept.
        </p>
      </div>
    `;
  }

  #submit(event: Event) {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const id = hubIdIn(String(new FormData(form).get("hub-id")));
    this.problem = id ? null : "An id has two parts: owner/name.";
    if (!id) return;
    form.reset();
    this.dispatchEvent(new AddEvent(id));
  }

  #open(id: string) {
    this.renderRoot.querySelector<HTMLInputElement>(`#${id}`)?.click();
  }

  #pick({ target }: Event) {
    const input = target as HTMLInputElement;
    const files = filesOf(input);
    input.value = ""; // the same folder may be picked again
    if (files.length > 0) this.dispatchEvent(new PickEvent(files));
  }
}
