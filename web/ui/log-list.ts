import { css, html, LitElement } from "lit";
import { asVaultError } from "../../core/errors.ts";
import type { LogRecord } from "../../core/log/log-record.ts";
import { type LogLock, lockLog } from "../log-vault.ts";
import { formatCount, formatRate } from "./format.ts";
import { theme } from "./theme.ts";

/** The newest exchanges, and the way to all of them. */
export class LogList extends LitElement {
  static override properties = {
    records: { attribute: false },
    problem: { attribute: false },
    failure: { attribute: false },
    inPage: { attribute: false },
    lock: { attribute: false },
    asks: { state: true },
  };
  static override styles = [
    theme,
    css`
      header {
        display: flex;
        align-items: center;
        justify-content: space-between;
        gap: 1rem;
      }
      .buttons {
        display: flex;
        flex-wrap: wrap;
        justify-content: flex-end;
        gap: 0.5rem;
      }
      ol {
        margin: 0.75rem 0 0;
        padding: 0;
        list-style: none;
      }
      li {
        padding: 0.7rem 1rem;
        border-top: 1px solid var(--line);
      }
      li:first-child {
        border-top: 0;
      }
      .line {
        display: -webkit-box;
        overflow: hidden;
        font: 0.88rem/1.5 var(--mono);
        overflow-wrap: anywhere;
        -webkit-box-orient: vertical;
        -webkit-line-clamp: 2;
      }
      .facts {
        display: flex;
        flex-wrap: wrap;
        gap: 0 1rem;
        color: var(--muted);
        font-size: 0.82rem;
        font-variant-numeric: tabular-nums;
      }
      .bad {
        color: var(--danger);
      }
      .empty {
        margin: 0.75rem 0 0;
        padding: 1rem;
      }
    `,
  ];

  declare records: readonly LogRecord[];
  /** Why the log cannot be read. */
  declare problem: string | null;
  /** Why an exchange is missing from it. */
  declare failure: string | null;
  /** No service worker answers a link: `save` is dispatched in its place. */
  declare inPage: boolean;
  /** `null` until it is known. */
  declare lock: LogLock | null;
  /** For a new passphrase. */
  declare asks: boolean;

  constructor() {
    super();
    this.records = [];
    this.problem = null;
    this.failure = null;
    this.inPage = false;
    this.lock = null;
    this.asks = false;
  }

  override render() {
    return html`
      <header>
        <h2>Log</h2>
        ${this.#isLocked ? "" : html`<span class="buttons">${this.#lockButton()} ${this.#exportLink()}</span>`}
      </header>
      ${this.asks ? html`<passphrase-form .isNew=${true} @done=${() => (this.asks = false)}></passphrase-form>` : ""}
      ${this.failure ? html`<p class="card empty bad" role="alert">${this.failure}</p>` : ""}
      ${this.#content()}
    `;
  }

  get #isLocked(): boolean {
    return this.lock?.state === "locked";
  }

  #content() {
    if (this.#isLocked) return html`<passphrase-form></passphrase-form>`;
    return this.problem ? html`<p class="card empty bad" role="alert">${this.problem}</p>` : this.#list();
  }

  #lockButton() {
    if (this.lock?.state === "unlocked") return html`<button @click=${this.#lock}>Lock</button>`;
    if (this.lock?.state !== "none") return "";
    return html`<button aria-expanded=${this.asks} @click=${() => (this.asks = !this.asks)}>Passphrase</button>`;
  }

  // No download attribute: with it Chromium bypasses the service worker, which names the file itself.
  #exportLink() {
    return html`<a class="button" href="./logs" @click=${this.#export}>Export JSONL</a>`;
  }

  async #lock() {
    try {
      await lockLog();
    } catch (cause) {
      this.problem = asVaultError(cause).message;
    }
  }

  #export(event: Event) {
    if (!this.inPage) return;
    event.preventDefault();
    this.dispatchEvent(new Event("save"));
  }

  #list() {
    if (this.records.length > 0) return html`<ol class="card">${this.records.map(item)}</ol>`;
    return html`<p class="card empty muted">Every exchange is kept here, on this device only.</p>`;
  }
}

const item = (record: LogRecord) => html`
  <li>
    <div class="line">
      <span class="muted">${asked(record)}</span>${record.messages ? " → " : ""}${record.error ? html`<span class="bad"> ${record.error.detail}</span>` : record.response}
    </div>
    <div class="facts">
      <time datetime=${record.timestamp}>${new Date(record.timestamp).toLocaleString()}</time>
      ${record.model ? html`<span>${record.model}</span>` : ""}
      ${record.usage ? html`<span>${formatCount(record.usage.completion_tokens, "token")}</span>` : ""}
      ${record.tokens_per_s ? html`<span>${formatRate(record.tokens_per_s)} tokens/s</span>` : ""}
      <span>${record.finish_reason ?? "going on"}</span>
      <span>${record.endpoint}</span>
    </div>
  </li>
`;

/** The prompt as text; of a chat its last message. */
function asked({ prompt, messages, endpoint, level }: LogRecord): string {
  if (level === "metadata") return "Its texts are not kept.";
  return messages?.at(-1)?.content ?? (typeof prompt === "string" ? prompt : endpoint);
}
