import { type DocumentedBody, type Fields, honoured } from "./documented.ts";

const WARM = { temperature: 50, seed: 7 };
/** Long enough for something to be said again. */
const LONG = { max_new_tokens: 40 };
const PASSPHRASE = "correct horse battery";
const unseen = "`GET /logs/vault` tells";

const GENERATE_FIELDS = {
  prompt: honoured(["What model are you?"], { refuses: [""] }),
  stream: honoured([true], { refuses: ["yes"] }),
  model: honoured(["minivault-demo"], { unseen: "it is the model that answers anyway" }),
  max_new_tokens: honoured([3], { refuses: [0] }),
  temperature: honoured([50], { beside: { seed: 7 }, refuses: [-1] }),
  top_k: honoured([1], { beside: WARM, refuses: [-1] }),
  top_p: honoured([0.001], { beside: WARM, refuses: [2] }),
  min_p: honoured([1], { beside: WARM, refuses: [2] }),
  typical_p: honoured([0.001], { beside: WARM, refuses: [2] }),
  frequency_penalty: honoured([2], { beside: LONG, refuses: [3] }),
  presence_penalty: honoured([2], { beside: LONG, refuses: [3] }),
  repetition_penalty: honoured([5], { beside: LONG, refuses: [0] }),
  repeat_last_n: honoured([0], { beside: { ...LONG, repetition_penalty: 5 }, refuses: [-2] }),
  logit_bias: honoured([{ "258": 100 }], { refuses: [{ "258": 101 }] }),
  stop: honoured([["e"], "e"], { refuses: [[""]] }),
  seed: honoured([1], { beside: { temperature: 50 }, refuses: [-1] }),
  format: honoured(["json", { type: "boolean" }], { refuses: ["xml"] }),
} satisfies Fields;
const STREAM_FIELDS = {
  ...GENERATE_FIELDS,
  stream: honoured([true, false], { because: "These routes always stream.", unseen: "it is a stream anyway" }),
} satisfies Fields;

const MODEL_FIELDS = { model: honoured(["minivault-demo"], { unseen: "`GET /models` tells" }) } satisfies Fields;
const PASSPHRASE_FIELDS = {
  passphrase: honoured([PASSPHRASE], { refuses: [1], unseen }),
  idle_s: honoured([60], { refuses: [0], unseen }),
} satisfies Fields;
const CHANGE_FIELDS = {
  passphrase: honoured([PASSPHRASE], { refuses: [1], unseen }),
  new_passphrase: honoured(["battery staple horse"], { refuses: [1], unseen }),
} satisfies Fields;

const OPENAPI = "/openapi.json";
const base = { prompt: "Once upon a time", max_new_tokens: 8 };
export const MINIVAULT_BODIES: readonly DocumentedBody[] = [
  { paths: ["/generate"], source: OPENAPI, base, fields: GENERATE_FIELDS },
  { paths: ["/generate/stream", "/generate-stream", "/stream"], source: OPENAPI, base, fields: STREAM_FIELDS },
  {
    paths: ["/models/pull", "/models/pause"],
    source: OPENAPI,
    base: { model: "minivault-demo" },
    fields: MODEL_FIELDS,
  },
  {
    paths: ["/logs/vault", "/logs/vault/unlock"],
    source: OPENAPI,
    base: { passphrase: PASSPHRASE },
    fields: PASSPHRASE_FIELDS,
  },
  {
    paths: ["/logs/vault/passphrase"],
    source: OPENAPI,
    base: { passphrase: PASSPHRASE, new_passphrase: "staple" },
    fields: CHANGE_FIELDS,
  },
];

const LLAMA = "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md";
export const OPERATIONS_BODIES: readonly DocumentedBody[] = [
  {
    paths: ["/tokenize"],
    source: LLAMA,
    base: { content: "Once upon a time" },
    fields: {
      content: honoured(["Hello"], { refuses: [1] }),
      add_special: honoured([true, false], {
        refuses: [1],
        unseen: "the embedded model has no token that begins a text",
      }),
      parse_special: honoured([false], { beside: { content: "<|endoftext|>" }, refuses: [1] }),
      with_pieces: honoured([true], { refuses: [1] }),
    },
  },
  {
    paths: ["/detokenize"],
    source: LLAMA,
    base: { tokens: [835] },
    fields: { tokens: honoured([[668, 258]], { refuses: [[-1]] }) },
  },
];
