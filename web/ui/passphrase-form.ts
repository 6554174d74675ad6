import { css, html, LitElement, nothing } from "lit";
import { asVaultError } from "../../core/errors.ts";
import { setPassphrase, unlockLog } from "../log-vault.ts";
import { theme } from "./theme.ts";

const NEW = {
  label: "A passphrase for the log",
  hint: "What was logged and what comes is sealed with it. Without it nobody reads the log again, not even this page.",
  button: "Set",
  autocomplete: "new-password",
  submit: setPassphrase,
} as const;

const KNOWN = {
  label: "The log is locked. Its passphrase:",
  hint: "Exchanges are logged all the same. It locks itself when nobody has read it for five minutes.",
  button: "Unlock",
  autocomplete: "current-password",
  submit: unlockLog,
} as const;

/** Asks for the log's passphrase, or for a new one. What comes of it is announced like every change of the log. */
export class PassphraseForm extends LitElement {
  static override properties = { isNew: { attribute: false }, problem: { state: true }, busy: { state: true } };
  static override styles = [
    theme,
    css`
      form {
        margin-top: 0.75rem;
        padding: 1rem;
      }
      label {
        display: block;
        margin: 0 0 0.5rem;
        font-size: 0.92rem;
        font-weight: 600;
      }
      .line {
        display: flex;
        gap: 0.5rem;
      }
      input {
        flex: 1;
        min-width: 0;
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

  declare isNew: boolean;
  declare problem: string | null;
  declare busy: boolean;

  constructor() {
    super();
    this.isNew = false;
    this.problem = null;
    this.busy = false;
  }

  override render() {
    const { label, hint, button, autocomplete } = this.isNew ? NEW : KNOWN;
    return html`
      <form class="card" @submit=${this.#submit}>
        <label for="passphrase">${label}</label>
        <div class="line">
          <input
            id="passphrase"
            name="passphrase"
            type="password"
            autocomplete=${autocomplete}
            minlength=${this.isNew ? 8 : nothing}
            required
            aria-describedby="hint"
            @input=${() => (this.problem = null)}
          />
          <button class="primary" ?disabled=${this.busy}>${button}</button>
        </div>
        ${this.problem ? html`<p class="bad" role="alert">${this.problem}</p>` : nothing}
        <p id="hint" class="muted">${hint}</p>
      </form>
    `;
  }

  async #submit(event: SubmitEvent) {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const passphrase = String(new FormData(form).get("passphrase"));
    this.busy = true;
    try {
      await (this.isNew ? NEW : KNOWN).submit(passphrase);
      form.reset();
      this.dispatchEvent(new Event("done"));
    } catch (cause) {
      this.problem = asVaultError(cause).message;
    }
    this.busy = false;
  }
}
