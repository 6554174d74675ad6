import { css, html, LitElement, nothing } from "lit";
import type { AnswerState } from "../state.ts";
import { formatCount, formatRate, formatSeconds } from "./format.ts";
import { theme } from "./theme.ts";

/** The prompt, and the answer as it grows. Model output is hostile text: it is only ever set as text. */
export class AnswerView extends LitElement {
  static override properties = {
    answer: { attribute: false },
    streaming: { type: Boolean },
    coming: { attribute: false },
  };
  static override styles = [
    theme,
    css`
      .card {
        padding: 1rem;
      }
      .text {
        margin: 0;
        font: 0.95rem/1.6 var(--mono);
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
      .prompt {
        color: var(--muted);
      }
      .caret {
        display: inline-block;
        width: 0.55em;
        height: 1.1em;
        margin-left: 2px;
        background: var(--accent);
        vertical-align: text-bottom;
        animation: blink 1s steps(2) infinite;
      }
      @keyframes blink {
        50% {
          opacity: 0;
        }
      }
      @media (prefers-reduced-motion: reduce) {
        .caret {
          animation: none;
        }
      }
      .facts {
        display: flex;
        flex-wrap: wrap;
        gap: 0.25rem 1.25rem;
        margin: 0.9rem 0 0;
        padding-top: 0.75rem;
        border-top: 1px solid var(--line);
        color: var(--muted);
        font-size: 0.87rem;
        font-variant-numeric: tabular-nums;
      }
      .text + .error {
        margin-top: 0.75rem;
      }
      .error {
        margin: 0;
        padding: 0.75rem 1rem;
        border-radius: 10px;
        background: var(--danger-wash);
        color: var(--danger);
      }
    `,
  ];

  declare answer: AnswerState | null;
  declare streaming: boolean;
  /** The model that the answer waits for, if it does. */
  declare coming: string | null;

  constructor() {
    super();
    this.answer = null;
    this.streaming = false;
    this.coming = null;
  }

  override render() {
    const { answer, streaming } = this;
    if (!answer) return nothing;
    const refused = answer.error !== null && answer.text === "";
    return html`
      <section class="card" aria-label="Answer" aria-busy=${streaming}>
        ${refused ? nothing : this.#text(answer)}
        ${answer.error && html`<p class="error" role="alert">${answer.error}</p>`}
        ${refused ? nothing : html`<p class="facts">${facts(answer, streaming, this.coming).map((fact) => html`<span>${fact}</span>`)}</p>`}
        <p class="visually-hidden" role="status">${streaming ? "" : answer.text}</p>
      </section>
    `;
  }

  #text({ prompt, text }: AnswerState) {
    const caret = this.streaming ? html`<span class="caret"></span>` : nothing;
    return html`<p class="text"><span class="prompt">${prompt}</span><span id="answer">${text}</span>${caret}</p>`;
  }
}

function facts(
  { tokens, tokensPerSecond, summary, stopped }: AnswerState,
  streaming: boolean,
  coming: string | null,
): string[] {
  if (streaming && tokens === 0 && coming !== null) return [`Waiting for ${coming} …`];
  if (streaming && tokens === 0) return ["Reading the prompt …"];
  return [
    formatCount(summary?.usage.completion_tokens ?? tokens, "token"),
    ...(tokensPerSecond ? [`${formatRate(tokensPerSecond)} tokens/s`] : []),
    ...(summary
      ? [summary.model, summary.finish_reason === "length" ? "cut at the token limit" : "ended by itself"]
      : []),
    ...(summary?.timings.handover_ms ? [`moved to another tab in ${formatSeconds(summary.timings.handover_ms)}`] : []),
    ...(stopped ? ["stopped by you"] : []),
  ];
}
