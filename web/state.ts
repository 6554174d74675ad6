import type { EngineStatus, ListedModel, Loading } from "../core/protocol.ts";
import type { Summary } from "./client.ts";

/** Everything the screen shows, as one value; `reduce` is the only writer. */
export interface UiState {
  readonly phase: "starting" | "idle" | "streaming" | "unable";
  readonly engine: EngineStatus;
  /** All that a request may name; empty until the engine has told. */
  readonly models: readonly ListedModel[];
  /** The model that the next request names; `null`: whichever the site has configured. */
  readonly chosen: string | null;
  readonly answer: AnswerState | null;
  /** Why nothing works, if `phase` is `unable`. */
  readonly problem: string | null;
  /** Why this page answers its own requests, if it does. */
  readonly inPage: string | null;
}

export interface AnswerState {
  readonly prompt: string;
  readonly text: string;
  readonly tokens: number;
  readonly firstTokenMs: number | null;
  readonly tokensPerSecond: number | null;
  readonly summary: Summary | null;
  readonly stopped: boolean;
  readonly error: string | null;
}

export type UiAction =
  | { readonly type: "started" }
  | { readonly type: "way"; readonly inPage: string | null }
  | { readonly type: "unable"; readonly problem: string }
  | { readonly type: "engine"; readonly status: EngineStatus }
  | { readonly type: "models"; readonly models: readonly ListedModel[] }
  | { readonly type: "choose"; readonly model: string | null }
  | { readonly type: "submit"; readonly prompt: string }
  | { readonly type: "token"; readonly text: string; readonly atMs: number }
  | { readonly type: "done"; readonly summary: Summary }
  | { readonly type: "stop" }
  | { readonly type: "fail"; readonly detail: string };

export const INITIAL_STATE: UiState = {
  phase: "starting",
  engine: { state: "absent" },
  models: [],
  chosen: null,
  answer: null,
  problem: null,
  inPage: null,
};

const NEW_ANSWER: Omit<AnswerState, "prompt"> = {
  text: "",
  tokens: 0,
  firstTokenMs: null,
  tokensPerSecond: null,
  summary: null,
  stopped: false,
  error: null,
};

export function reduce(state: UiState, action: UiAction): UiState {
  const { answer } = state;
  switch (action.type) {
    case "started":
      return state.phase === "streaming" ? state : { ...state, phase: "idle", problem: null };
    case "way":
      return { ...state, inPage: action.inPage };
    case "unable":
      return { ...state, phase: "unable", problem: action.problem };
    case "engine":
      return { ...state, engine: action.status };
    case "models":
      return { ...state, models: action.models, chosen: stillThere(state.chosen, action.models) };
    case "choose":
      return { ...state, chosen: action.model };
    case "submit":
      return { ...state, phase: "streaming", answer: { ...NEW_ANSWER, prompt: action.prompt } };
    case "token":
      return answer ? { ...state, answer: withToken(answer, action.text, action.atMs) } : state;
    case "done":
      return end(state, { summary: action.summary, tokensPerSecond: action.summary.timings.predicted_per_second });
    case "stop":
      return end(state, { stopped: true });
    case "fail":
      return end(state, { error: action.detail });
  }
}

/** A model that was deleted for good cannot be asked. */
const stillThere = (chosen: string | null, models: readonly ListedModel[]): string | null =>
  models.length === 0 || models.some(({ name }) => name === chosen) ? chosen : null;

/** A model that is on its way, instead of any other or beside the one that answers. */
export function onItsWay(engine: EngineStatus): Loading | null {
  if (engine.state === "loading") return engine;
  return engine.state === "ready" ? engine.loading : null;
}

/** How fast a model comes, if it does. */
export function rateOf(models: readonly ListedModel[], name: string): number {
  const files = models.find((model) => model.name === name)?.files;
  return files?.state === "downloading" ? files.bytesPerSecond : 0;
}

/** The rate counts from the first token: what came before was prefill. */
function withToken(answer: AnswerState, text: string, atMs: number): AnswerState {
  const firstTokenMs = answer.firstTokenMs ?? atMs;
  const tokensPerSecond = atMs > firstTokenMs ? (answer.tokens * 1000) / (atMs - firstTokenMs) : null;
  return { ...answer, text: answer.text + text, tokens: answer.tokens + 1, firstTokenMs, tokensPerSecond };
}

const end = (state: UiState, last: Partial<AnswerState>): UiState => ({
  ...state,
  phase: "idle",
  answer: state.answer && { ...state.answer, ...last },
});
