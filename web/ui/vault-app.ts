import { css, html, LitElement, nothing } from "lit";
import { asVaultError } from "../../core/errors.ts";
import type { LogRecord } from "../../core/log/log-record.ts";
import { randomId } from "../../core/random-id.ts";
import { keepChosen, readChosen } from "../chosen-model.ts";
import { type AnswerEvent, generate, newestLogs, resume } from "../client.ts";
import { followFragment } from "../fragment.ts";
import type { Vault } from "../lib.ts";
import { library } from "../library.ts";
import { type LogLock, logLock } from "../log-vault.ts";
import { INITIAL_STATE, onItsWay, reduce, type UiAction, type UiState } from "../state.ts";
import { recallUnfinished, rememberUnfinished } from "../unfinished.ts";
import { type EngineWatch, watchEngine, watchLog, watchReturn } from "../watch.ts";
import { AnswerView } from "./answer-view.ts";
import { EngineStatusView } from "./engine-status.ts";
import { InstallButton } from "./install-button.ts";
import { LogList } from "./log-list.ts";
import { ModelsSection } from "./models-section.ts";
import { PassphraseForm } from "./passphrase-form.ts";
import { type ChooseEvent, PromptForm, type SubmitEvent } from "./prompt-form.ts";
import { saveLog } from "./save-log.ts";
import { theme } from "./theme.ts";
import "./update-notice.ts";

/** Owns the state; everything below it only shows. */
export class VaultApp extends LitElement {
  static override styles = [
    theme,
    css`
      main {
        display: grid;
        gap: 1.25rem;
        max-width: 46rem;
        margin: 0 auto;
        padding: clamp(1rem, 4vw, 3rem) 1rem 4rem;
      }
      main > * {
        min-width: 0;
      }
      header {
        display: flex;
        align-items: center;
        gap: 0.8rem;
      }
      header img {
        width: 44px;
        height: 44px;
      }
      h1 {
        margin: 0;
        font-size: 1.35rem;
        line-height: 1.2;
      }
      header p {
        margin: 0.15rem 0 0;
        font-size: 0.92rem;
      }
      .title {
        flex: 1;
      }
      .in-page {
        margin: 0;
        font-size: 0.88rem;
      }
      header a {
        padding: 0.7rem 0;
        color: var(--accent);
        font-size: 0.95rem;
        font-weight: 600;
      }
      @media (max-width: 30rem) {
        header {
          flex-wrap: wrap;
          gap: 0.4rem 0.6rem;
        }
        header img {
          width: 36px;
          height: 36px;
        }
        .title {
          display: contents;
        }
        h1 {
          flex: 1;
        }
        header p {
          order: 1;
          flex-basis: 100%;
          text-wrap: balance;
        }
      }
      #log,
      #models {
        scroll-margin-top: 1rem;
        outline: none;
      }
      code {
        font: 0.95em var(--mono);
      }
    `,
  ];

  #state: UiState = INITIAL_STATE;
  #records: readonly LogRecord[] = [];
  #logProblem: string | null = null;
  #lock: LogLock | null = null;
  #locking: ReturnType<typeof setTimeout> | undefined;
  #logFailure: string | null = null;
  #engine: EngineWatch | undefined;
  #run: AbortController | undefined;

  /** @param isolated settles when the page will not be reloaded for its isolation (any more) */
  async start(vault: Vault, isolated: Promise<void>): Promise<void> {
    this.#do({ type: "choose", model: readChosen() });
    this.#engine = watchEngine({
      onStatus: (status) => this.#do({ type: "engine", status }),
      onModels: (models) => this.#do({ type: "models", models }),
    });
    vault.onChange(() => void this.#follow(vault, isolated));
    watchLog({
      onChange: () => void this.#readLog(),
      onFailed: (reason) => {
        this.#logFailure = reason;
        this.requestUpdate();
      },
    });
    watchReturn(() => {
      this.#engine?.ask();
      void this.#readLog();
    });
    await this.#follow(vault, isolated);
    await this.updateComplete;
    followFragment(this.renderRoot as ShadowRoot);
    const unfinished = recallUnfinished();
    if (unfinished && this.#state.phase === "idle") await this.#goOn(unfinished.requestId, unfinished.prompt);
  }

  /** Who answers may change: a service worker may come late. */
  async #follow(vault: Vault, isolated: Promise<void>): Promise<void> {
    this.#do({ type: "way", inPage: vault.reason });
    try {
      await vault.ready();
      await isolated;
      this.#do({ type: "started" });
    } catch (cause) {
      return this.#do({ type: "unable", problem: asVaultError(cause).message });
    }
    await this.#readLog();
  }

  override render() {
    const { phase, engine, models, chosen, answer, inPage } = this.#state;
    return html`
      <update-notice></update-notice>
      <main>
        <header>
          <img src="./icons/vault.svg" alt="" />
          <div class="title">
            <h1>MiniVault</h1>
            <p class="muted">A language model in this page. Nothing leaves your device.</p>
          </div>
          <install-button></install-button>
          <a href="./docs">API</a>
        </header>
        <engine-status .state=${this.#state} @retry=${() => this.#engine?.retry()} @cancel=${this.#cancelLoad}></engine-status>
        ${inPage ? html`<p class="muted in-page">This page answers its own requests: ${inPage}.</p>` : nothing}
        <prompt-form
          .busy=${phase === "streaming"}
          .disabled=${phase !== "idle"}
          .models=${models}
          .chosen=${chosen}
          @choose=${this.#choose}
          @generate=${this.#generate}
          @stop=${this.#stop}
        ></prompt-form>
        <answer-view ?hidden=${!answer} .answer=${answer} .streaming=${phase === "streaming"} .coming=${onItsWay(engine)?.model ?? null}></answer-view>
        <models-section id="models" tabindex="-1" .models=${models} .engine=${engine}></models-section>
        <log-list
          id="log"
          tabindex="-1"
          .records=${this.#records}
          .problem=${this.#logProblem}
          .lock=${this.#lock}
          .failure=${this.#logFailure}
          .inPage=${inPage !== null}
          @save=${this.#saveLog}
        ></log-list>
      </main>
    `;
  }

  async #generate({ input }: SubmitEvent) {
    const requestId = randomId();
    rememberUnfinished({ requestId, prompt: input.prompt });
    const run = new AbortController();
    await this.#show(input.prompt, generate(input, { requestId, signal: run.signal }), run);
  }

  /** With what this tab was waiting for when it was reloaded. */
  async #goOn(requestId: string, prompt: string) {
    const run = new AbortController();
    await this.#show(prompt, resume(requestId, { signal: run.signal }), run);
  }

  async #show(prompt: string, events: AsyncIterable<AnswerEvent>, run: AbortController) {
    this.#run = run;
    this.#do({ type: "submit", prompt });
    try {
      for await (const event of events) {
        if (run.signal.aborted) break;
        this.#do(event.type === "token" ? { ...event, atMs: performance.now() } : event);
      }
    } catch (cause) {
      this.#do({ type: "fail", detail: asVaultError(cause).message });
    }
    rememberUnfinished(null);
  }

  #choose({ model }: ChooseEvent) {
    keepChosen(model);
    this.#do({ type: "choose", model });
  }

  /** What comes of it is announced like every change of the engine. */
  #cancelLoad() {
    const loading = onItsWay(this.#state.engine);
    if (loading) library.unload(loading.model).catch(() => this.#engine?.ask());
  }

  #stop() {
    this.#run?.abort();
    this.#do({ type: "stop" });
  }

  async #readLog() {
    try {
      await this.#readLock();
      if (this.#lock?.state !== "locked") this.#records = await newestLogs(20);
      this.#logProblem = null;
    } catch (cause) {
      this.#logProblem = asVaultError(cause).message;
    }
    this.requestUpdate();
  }

  /** What was read is not shown any longer than it could be read again. */
  async #readLock() {
    this.#lock = await logLock();
    const { state, locks_at } = this.#lock;
    if (state === "locked") this.#records = [];
    clearTimeout(this.#locking);
    if (locks_at)
      this.#locking = setTimeout(() => void this.#readLock().catch(() => {}), Date.parse(locks_at) - Date.now());
    this.requestUpdate();
  }

  async #saveLog() {
    try {
      await saveLog();
    } catch (cause) {
      this.#logProblem = asVaultError(cause).message;
      this.requestUpdate();
    }
  }

  #do(action: UiAction): void {
    this.#state = reduce(this.#state, action);
    this.requestUpdate();
  }
}

customElements.define("engine-status", EngineStatusView);
customElements.define("prompt-form", PromptForm);
customElements.define("answer-view", AnswerView);
customElements.define("install-button", InstallButton);
customElements.define("models-section", ModelsSection);
customElements.define("log-list", LogList);
customElements.define("passphrase-form", PassphraseForm);
customElements.define("vault-app", VaultApp);

declare global {
  interface HTMLElementTagNameMap {
    "vault-app": VaultApp;
  }
}
