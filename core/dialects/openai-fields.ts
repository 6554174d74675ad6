import { type DocumentedBody, type Fields, honoured, refused, withoutEffect } from "./documented.ts";

const NO_TOOLS = "Tools are not supported.";
const NO_AUDIO = "Only text is read and written.";
const BY_ITSELF = "Not in OpenAI's documentation; other servers have it.";
const NOTHING_LEAVES = "Nothing leaves the device: there is no service that could use it.";
const NO_CACHE = "Prompts are not cached.";

const TOOL = { type: "function", function: { name: "weather", parameters: { type: "object" } } };
const CALL = { id: "1", type: "function", function: { name: "weather", arguments: "{}" } };
const SCHEMA = { type: "boolean" };
/** Warm enough for chance to be seen. */
const WARM = { temperature: 50, seed: 7 };
/** Long enough for something to be said again. */
const LONG = { messages: [{ role: "user", content: "Once upon a time" }], max_tokens: 40 };
const said = { messages: [{ role: "assistant", content: "Hello" }] };

const shared = {
  model: honoured(["minivault-demo"], { unseen: "it is the model that answers anyway" }),
  stream: honoured([true], { refuses: ["yes"] }),
  stream_options: honoured([{ include_usage: true }], {
    needs: { stream: true },
    because: "Refused without `stream`, as OpenAI does.",
  }),
  "stream_options.include_usage": honoured([true], { beside: { stream: true } }),
  "stream_options.include_obfuscation": withoutEffect([true], "Nobody can watch a stream that stays on the device.", {
    stream: true,
  }),
  n: refused([2, 0], "One answer to a request.", [1]),
  stop: honoured([["e"], "e"], { refuses: [[""]] }),
  seed: honoured([1], { beside: { temperature: 50 }, refuses: [1.5] }),
  temperature: honoured([50], { beside: { seed: 7 }, refuses: [-1] }),
  top_p: honoured([0.001], { beside: WARM, refuses: [2] }),
  top_k: honoured([1], { beside: WARM, because: BY_ITSELF }),
  min_p: honoured([1], { beside: WARM, because: BY_ITSELF }),
  typical_p: honoured([0.001], { beside: WARM, because: BY_ITSELF }),
  logit_bias: honoured([{ "258": 100 }], { refuses: [{ "258": 101 }] }),
  user: withoutEffect(["someone"], NOTHING_LEAVES),
} satisfies Fields;

export const COMPLETION_FIELDS = {
  ...shared,
  prompt: honoured(["Q: What is the capital of France?\nA:"], { refuses: [[]] }),
  max_tokens: honoured([3], { refuses: [-1] }),
  frequency_penalty: honoured([2], { beside: { max_tokens: 40 }, refuses: [3] }),
  presence_penalty: honoured([2], { beside: { max_tokens: 40 }, refuses: [-3] }),
  logprobs: honoured([2], { refuses: [21] }),
  echo: honoured([true]),
  best_of: refused([3], "One answer to a request.", [1]),
  suffix: refused([" The end."], "No model here was trained to fill in.", [""]),
  response_format: honoured([{ type: "json_object" }], { because: BY_ITSELF }),
  "response_format.type": honoured(["json_object"], { refuses: ["grammar"], because: BY_ITSELF }),
  "response_format.json_schema": honoured([{ schema: SCHEMA }], {
    beside: { response_format: { type: "json_schema" } },
    unseen: "it is needed there",
    because: BY_ITSELF,
  }),
  "response_format.json_schema.schema": honoured([SCHEMA], {
    beside: { response_format: { type: "json_schema", json_schema: { schema: { type: "integer" } } } },
    because: BY_ITSELF,
  }),
} satisfies Fields;

export const CHAT_FIELDS = {
  ...shared,
  messages: honoured([[{ role: "user", content: "Tell me about a city." }]], { refuses: [[]] }),
  "messages.role": honoured(["system", "developer"], {
    refuses: ["tool", "function"],
    because: NO_TOOLS,
  }),
  "messages.content": honoured(["Hello"], {
    refuses: [
      [{ type: "image_url", image_url: { url: "data:," } }],
      [{ type: "input_audio", input_audio: { data: "", format: "wav" } }],
      [{ type: "file", file: { file_id: "1" } }],
      [{ type: "refusal", refusal: "No." }],
    ],
    because: NO_AUDIO,
  }),
  "messages.content.type": honoured(["text"], { unseen: "only a message of the assistant may have another" }),
  "messages.content.refusal": honoured(["No."], {
    beside: { messages: [{ role: "assistant", content: [{ type: "refusal", refusal: "Hello" }] }] },
  }),
  "messages.content.text": honoured(["Hello"]),
  "messages.content.prompt_cache_breakpoint": withoutEffect([{ mode: "explicit" }], NO_CACHE),
  "messages.name": withoutEffect(["Ann"], "Chat templates have a place for roles and texts only."),
  "messages.refusal": { ...refused(["No."], "Send it as content.", [""]), beside: said },
  "messages.tool_calls": { ...refused([[CALL]], NO_TOOLS, [[]]), beside: said },
  "messages.function_call": { ...refused([CALL.function], NO_TOOLS), beside: said },
  "messages.audio": { ...refused([{ id: "1" }], NO_AUDIO), beside: said },
  "messages.tool_call_id": withoutEffect(["1"], "It belongs to the role `tool`, which is refused."),
  max_tokens: honoured([3], {
    excludes: { max_completion_tokens: 5 },
    refuses: [0],
    because: "Refused beside another `max_completion_tokens`, as OpenAI does.",
  }),
  frequency_penalty: honoured([2], { beside: LONG, refuses: [3] }),
  presence_penalty: honoured([2], { beside: LONG, refuses: [-3] }),
  max_completion_tokens: honoured([3], { beside: { max_tokens: null }, refuses: [0] }),
  logprobs: honoured([true], { refuses: [1] }),
  top_logprobs: honoured([2], {
    needs: { logprobs: true },
    refuses: [21],
    because: "Refused without `logprobs`, as OpenAI does.",
  }),
  tools: refused([[TOOL]], NO_TOOLS, [[]]),
  tool_choice: refused(["required", { type: "function", function: { name: "weather" } }], NO_TOOLS, ["none", "auto"]),
  parallel_tool_calls: withoutEffect([true, false], NO_TOOLS),
  functions: refused([[{ name: "weather" }]], NO_TOOLS, [[]]),
  function_call: refused([{ name: "weather" }], NO_TOOLS, ["none", "auto"]),
  response_format: honoured([{ type: "json_object" }], {
    refuses: [{ type: "json_schema" }],
  }),
  "response_format.type": honoured(["json_object"], { refuses: ["grammar"] }),
  "response_format.json_schema": honoured([{ schema: SCHEMA }], {
    beside: { response_format: { type: "json_schema" } },
    unseen: "it is needed there",
  }),
  "response_format.json_schema.schema": honoured([SCHEMA], {
    beside: { response_format: { type: "json_schema", json_schema: { schema: { type: "integer" } } } },
  }),
  "response_format.json_schema.name": withoutEffect(["thing"], "The schema alone shapes the answer.", {
    response_format: { type: "json_schema", json_schema: { schema: SCHEMA } },
  }),
  "response_format.json_schema.description": withoutEffect(["A thing."], "The schema alone shapes the answer.", {
    response_format: { type: "json_schema", json_schema: { schema: SCHEMA } },
  }),
  "response_format.json_schema.strict": withoutEffect([true, false], "A schema is always followed to the letter.", {
    response_format: { type: "json_schema", json_schema: { schema: SCHEMA } },
  }),
  modalities: refused([["text", "audio"]], NO_AUDIO, [["text"]]),
  audio: refused([{ voice: "alloy", format: "wav" }], NO_AUDIO),
  reasoning_effort: refused(["low", "high"], "None of the models here thinks.", ["none"]),
  verbosity: refused(["low", "high"], "The models here were not trained for it.", ["medium"]),
  web_search_options: refused([{}], "Nothing is searched: nothing leaves the device."),
  moderation: refused([{ model: "omni-moderation-latest" }], "No model here moderates."),
  store: refused([true], "`GET /logs` has what is kept; there is no `GET /v1/chat/completions`.", [false]),
  metadata: withoutEffect([{ topic: "city" }], "It is for stored completions, which are not here."),
  prediction: withoutEffect(
    [{ type: "content", content: "I am" }],
    "It only makes an answer faster, and never another one.",
  ),
  prompt_cache_key: withoutEffect(["a"], NO_CACHE),
  prompt_cache_options: withoutEffect([{ mode: "explicit" }], NO_CACHE),
  prompt_cache_retention: withoutEffect(["24h"], NO_CACHE),
  safety_identifier: withoutEffect(["someone"], NOTHING_LEAVES),
  service_tier: withoutEffect(["auto", "priority"], "There is one queue: first in, first out."),
} satisfies Fields;

export const OPENAI_BODIES: readonly DocumentedBody[] = [
  {
    paths: ["/v1/chat/completions"],
    source: "https://platform.openai.com/docs/api-reference/chat/create",
    base: { messages: [{ role: "user", content: "What model are you?" }], max_tokens: 8 },
    fields: CHAT_FIELDS,
  },
  {
    paths: ["/v1/completions"],
    source: "https://platform.openai.com/docs/api-reference/completions/create",
    base: { prompt: "Once upon a time", max_tokens: 8 },
    fields: COMPLETION_FIELDS,
  },
];
