import { css, html } from "lit";
import type { Progress } from "../../core/protocol.ts";

export const progressStyle = css`
  progress {
    display: block;
    width: 100%;
    height: 6px;
    border: 0;
    border-radius: 3px;
    background: var(--line);
    accent-color: var(--accent);
    appearance: none;
    overflow: hidden;
  }
  progress::-webkit-progress-bar {
    background: var(--line);
  }
  progress::-webkit-progress-value {
    border-radius: 3px;
    background: var(--accent);
  }
  progress::-moz-progress-bar {
    border-radius: 3px;
    background: var(--accent);
  }
  progress.still::-webkit-progress-value {
    background: var(--muted);
  }
  progress.still::-moz-progress-bar {
    background: var(--muted);
  }
`;

/** Without figures it just moves. `still`: nothing comes at the moment. */
export const progressBar = (label: string, { loadedBytes, totalBytes }: Progress, still = false) =>
  totalBytes > 0
    ? html`<progress class=${still ? "still" : ""} aria-label=${label} max=${totalBytes} .value=${Math.min(loadedBytes, totalBytes)}></progress>`
    : html`<progress aria-label=${label}></progress>`;
