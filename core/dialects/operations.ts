import * as v from "valibot";
import { type Dialect, route, type Vault } from "../dialect.ts";
import { VaultError } from "../errors.ts";
import { flag, text, wholeNumber } from "../fields.ts";
import { healthResponse } from "../health.ts";
import { metricsText, PROMETHEUS } from "../metrics.ts";
import type { ModelCard } from "../protocol.ts";
import { VERSION } from "../version.ts";
import { minivault } from "./minivault.ts";

// Shapes: https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md

const TokenizeBody = v.object({
  content: text,
  add_special: v.nullish(flag),
  parse_special: v.nullish(flag),
  with_pieces: v.nullish(flag),
});

const DetokenizeBody = v.object({ tokens: v.array(wholeNumber(0, 2 ** 31)) });

/** The one sequence that is computed at a time. */
async function slots({ engine, active }: Vault) {
  const status = await engine.status();
  return [
    {
      id: 0,
      id_task: active?.id ?? null,
      n_ctx: status.state === "ready" ? status.contextTokens : 0,
      is_processing: active !== null,
      endpoint: active?.endpoint ?? null,
      next_token: { n_decoded: active?.tokens ?? 0 },
    },
  ];
}

async function props({ engine }: Vault) {
  const status = await engine.status();
  const card = status.state === "ready" || status.state === "unloaded" ? status.card : null;
  return {
    default_generation_settings: { n_ctx: card?.contextTokens ?? 0, params: card && parametersOf(card) },
    total_slots: 1,
    model_path: card?.name ?? null,
    chat_template: card?.chatTemplate ?? null,
    eos_token: card?.endToken ?? null,
    modalities: { vision: false, audio: false },
    is_sleeping: status.state === "unloaded",
    build_info: `minivault-${VERSION}`,
  };
}

const parametersOf = ({ defaults }: ModelCard) => ({
  temperature: defaults.temperature,
  top_k: defaults.topK,
  top_p: defaults.topP,
  min_p: defaults.minP,
  typical_p: defaults.typicalP,
  repeat_penalty: defaults.repetitionPenalty,
  repeat_last_n: defaults.repetitionWindow,
  frequency_penalty: defaults.frequencyPenalty,
  presence_penalty: defaults.presencePenalty,
});

const JSON_ONLY = ["application/json"];
const fresh = (value: unknown): Response => Response.json(value, { headers: { "cache-control": "no-store" } });

/** What one watches a server by, in llama.cpp's words; errors are our own. */
export const operations: Dialect = {
  name: "operations",
  title: "Operations",
  prefix: minivault.prefix,
  error: minivault.error,
  routes: [
    route({
      method: "GET",
      path: "/health",
      summary: "200 while a model can answer, 503 else: latencies, queue, model, device, storage",
      mediaTypes: JSON_ONLY,
      answer: (_, vault) => healthResponse(vault),
    }),
    route({
      method: "GET",
      path: "/metrics",
      summary: "Prometheus' text format: counters over all exchanges that ever ended here",
      mediaTypes: ["text/plain"],
      answer: async (_, vault) =>
        new Response(await metricsText(vault), {
          headers: { "content-type": PROMETHEUS, "cache-control": "no-store" },
        }),
    }),
    route({
      method: "GET",
      path: "/props",
      summary: "The model's chat template and its defaults",
      mediaTypes: JSON_ONLY,
      answer: async (_, vault) => fresh(await props(vault)),
    }),
    route({
      method: "GET",
      path: "/slots",
      summary: "What is being computed",
      parameters: [{ name: "fail_on_no_slot", in: "query", about: "1: 503 while something is", example: "1" }],
      mediaTypes: JSON_ONLY,
      answer: async ({ url }, vault) => {
        if (vault.active && url.searchParams.get("fail_on_no_slot")) {
          throw new VaultError("queue-full", "The one slot is taken. Ask again.");
        }
        return fresh(await slots(vault));
      },
    }),
    route({
      method: "POST",
      path: "/tokenize",
      summary: "Text to token ids; with_pieces tells what each of them spells",
      body: TokenizeBody,
      examples: { pieces: { content: "Once upon a time", with_pieces: true } },
      mediaTypes: JSON_ONLY,
      answer: async ({ body }, { engine }) => {
        const tokens = await engine.tokenise(body.content, body.add_special ?? false, body.parse_special ?? true);
        const piece = ({ tokenId, text, bytes }: (typeof tokens)[number]) => ({
          id: tokenId,
          piece: text.includes("\uFFFD") ? bytes : text, // no text spells half a character
        });
        return fresh({ tokens: body.with_pieces ? tokens.map(piece) : tokens.map(({ tokenId }) => tokenId) });
      },
    }),
    route({
      method: "POST",
      path: "/detokenize",
      summary: "Token ids to text",
      body: DetokenizeBody,
      examples: { "a story": { tokens: [835, 668, 258, 496] } },
      mediaTypes: JSON_ONLY,
      answer: async ({ body }, { engine }) => fresh({ content: await engine.detokenise(body.tokens) }),
    }),
  ],
};
