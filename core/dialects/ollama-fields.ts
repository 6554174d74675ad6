import { type DocumentedBody, type Fields, honoured, refused, withoutEffect } from "./documented.ts";

const NO_TOOLS = "Tools are not supported.";
const NO_IMAGES = "None of the models here sees.";
const NOT_DRAWN = "It is for models that draw; there are none.";
const RUNTIME = "It tunes a native runtime; the browser's tunes itself.";
const NO_MIROSTAT = "It belongs to `mirostat`, which is refused.";
const NO_SHIFT = "An answer ends where the context does, and says `length`: nothing is cut out of it.";
const AS_IT_IS = "A model is shown as it is.";
const DOWNLOADS = "https://github.com/ollama/ollama/blob/main/docs/api.md";

const TOOL = { type: "function", function: { name: "weather", parameters: { type: "object" } } };
const WARM = { options: { temperature: 50, seed: 7 } };
/** Long enough for something to be said again. */
const LONG = {
  prompt: "Once upon a time",
  messages: [{ role: "user", content: "Once upon a time" }],
  options: { num_predict: 40 },
};
const named = {
  model: honoured(["minivault-demo"], { unseen: "it is the model that answers anyway" }),
  name: honoured(["minivault-demo"], {
    because: "The former name of `model`; clients send either.",
    unseen: "it is the model that answers anyway",
  }),
} satisfies Fields;

const OPTION_FIELDS = {
  "options.temperature": honoured([50], { beside: { options: { seed: 7 } }, refuses: [-1] }),
  "options.seed": honoured([1], { beside: { options: { temperature: 50 } }, refuses: [1.5] }),
  "options.top_k": honoured([1], { beside: WARM, refuses: [-1] }),
  "options.top_p": honoured([0.001], { beside: WARM, refuses: [7] }),
  "options.min_p": honoured([1], { beside: WARM, refuses: [2] }),
  "options.typical_p": honoured([0.001], { beside: WARM, refuses: [2] }),
  "options.repeat_penalty": honoured([5], { beside: LONG, refuses: [0] }),
  "options.repeat_last_n": honoured([0], {
    beside: { ...LONG, options: { repeat_penalty: 5, num_predict: 40 } },
    refuses: [-2],
  }),
  "options.frequency_penalty": honoured([2], { beside: LONG, refuses: [3] }),
  "options.presence_penalty": honoured([2], { beside: LONG, refuses: [3] }),
  "options.num_predict": honoured([3], { refuses: [-3] }),
  "options.stop": honoured([["e"]], { refuses: [[""]] }),
  "options.mirostat": refused([1, 2], "Mirostat is not supported.", [0]),
  "options.mirostat_tau": withoutEffect([5], NO_MIROSTAT),
  "options.mirostat_eta": withoutEffect([0.1], NO_MIROSTAT),
  "options.tfs_z": refused([0.5], "Tail-free sampling is not supported; Ollama itself has removed it.", [1]),
  "options.penalize_newline": refused([false], "Penalties count every token.", [true]),
  "options.num_ctx": withoutEffect(
    [64, 8192],
    "The whole context of a model is always there; what does not fit is refused.",
  ),
  "options.num_keep": withoutEffect([5], NO_SHIFT),
  "options.num_batch": withoutEffect([2], RUNTIME),
  "options.num_gpu": withoutEffect([1], RUNTIME),
  "options.main_gpu": withoutEffect([1], RUNTIME),
  "options.num_thread": withoutEffect([8], RUNTIME),
  "options.numa": withoutEffect([true], RUNTIME),
  "options.low_vram": withoutEffect([true], RUNTIME),
  "options.f16_kv": withoutEffect([true], RUNTIME),
  "options.logits_all": withoutEffect([true], RUNTIME),
  "options.vocab_only": withoutEffect([false], RUNTIME),
  "options.use_mmap": withoutEffect([true], RUNTIME),
  "options.use_mlock": withoutEffect([true], RUNTIME),
  "options.embedding_only": withoutEffect([false], RUNTIME),
} satisfies Fields;

const shared = {
  model: named.model,
  stream: honoured([true], { refuses: ["no"] }),
  options: honoured([{ num_predict: 3 }], { refuses: ["warm"] }),
  ...OPTION_FIELDS,
  format: honoured(["json", { type: "boolean" }], { refuses: ["xml"] }),
  keep_alive: honoured(["5m", -1], { refuses: ["soon"], unseen: "`/api/ps` tells" }),
  logprobs: honoured([true]),
  top_logprobs: honoured([2], {
    needs: { logprobs: true },
    refuses: [21],
    because: "Refused without `logprobs`, where Ollama passes it over.",
  }),
  think: refused([true, "high"], "None of the models here thinks.", [false]),
  truncate: withoutEffect([true, false], "What does not fit the context is refused, never cut."),
  shift: withoutEffect([true, false], NO_SHIFT),
  _debug_render_only: refused([true], "`GET /props` has the template.", [false]),
} satisfies Fields;

export const GENERATE_FIELDS = {
  ...shared,
  prompt: honoured(["What model are you?"]),
  system: honoured(["Be brief."], {
    excludes: { raw: true },
    because: "Refused beside `raw`, as Ollama does: only a template has a place for it.",
  }),
  raw: honoured([true]),
  suffix: refused([" The end."], "No model here was trained to fill in.", [""]),
  template: refused(["{{ .Prompt }}"], "The model's own is used; send `raw` for none.", [""]),
  context: refused([[1, 2, 3]], "Send the conversation to `/api/chat`.", [[]]),
  images: refused([["aGVsbG8="]], NO_IMAGES, [[]]),
  width: withoutEffect([64], NOT_DRAWN),
  height: withoutEffect([64], NOT_DRAWN),
  steps: withoutEffect([4], NOT_DRAWN),
} satisfies Fields;

export const CHAT_FIELDS = {
  ...shared,
  messages: honoured([[{ role: "user", content: "Tell me about a city." }]], { refuses: ["Hello"] }),
  "messages.role": honoured(["system"], { refuses: ["tool"], because: NO_TOOLS }),
  "messages.content": honoured(["Hello"]),
  "messages.images": refused([["aGVsbG8="]], NO_IMAGES, [[]]),
  "messages.tool_calls": refused([[{ function: { name: "weather", arguments: {} } }]], NO_TOOLS, [[]]),
  "messages.tool_name": withoutEffect(["weather"], "It belongs to the role `tool`, which is refused."),
  "messages.thinking": withoutEffect(["Hm."], "None of the models here thinks, or reads what another one thought."),
  tools: refused([[TOOL]], NO_TOOLS, [[]]),
} satisfies Fields;

export const SHOW_FIELDS = {
  ...named,
  verbose: withoutEffect([true], "There is no more to tell."),
  system: refused(["Be brief."], AS_IT_IS, [""]),
  template: refused(["{{ .Prompt }}"], AS_IT_IS, [""]),
  options: refused([{ temperature: 1 }], AS_IT_IS, [null]),
} satisfies Fields;

export const PULL_FIELDS = {
  ...named,
  stream: honoured([true], { refuses: ["no"] }),
  insecure: withoutEffect([true], "The site decides where its models come from."),
} satisfies Fields;

export const DELETE_FIELDS = named;

const options = { num_predict: 8 };
export const OLLAMA_BODIES: readonly DocumentedBody[] = [
  {
    paths: ["/api/generate"],
    source: "https://docs.ollama.com/api/generate",
    base: { model: "minivault-demo", prompt: "Once upon a time", stream: false, options },
    fields: GENERATE_FIELDS,
  },
  {
    paths: ["/api/chat"],
    source: "https://docs.ollama.com/api/chat",
    base: {
      model: "minivault-demo",
      messages: [{ role: "user", content: "What model are you?" }],
      stream: false,
      options,
    },
    fields: CHAT_FIELDS,
  },
  { paths: ["/api/show"], source: DOWNLOADS, base: { model: "minivault-demo" }, fields: SHOW_FIELDS },
  { paths: ["/api/pull"], source: DOWNLOADS, base: { model: "minivault-demo", stream: false }, fields: PULL_FIELDS },
  {
    paths: ["/api/delete"],
    method: "DELETE",
    source: DOWNLOADS,
    base: { model: "minivault-demo" },
    fields: DELETE_FIELDS,
  },
];
