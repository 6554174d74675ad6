import fc from "fast-check";
import { expect, test } from "vitest";
import { createMemoryLog } from "../../logs-export/memory-log.ts";
import { createFakeModel } from "../../tests/fixtures/fake-model.ts";
import { engineOf } from "../../tests/fixtures/fixed-sources.ts";
import { createApi } from "../api.ts";

const utf8 = new TextEncoder();
const length = (text: string) => [...text].length;
/** Of each byte: how many characters begin before the one that it belongs to. */
const placesOf = (text: string): number[] =>
  [...text].flatMap((character, index) => Array(utf8.encode(character).length).fill(index));

/** A token is a byte. Whatever it is asked, it says this. */
async function complete(prompt: string, answer: string, body: object) {
  const bytes = utf8.encode(answer);
  const begin = utf8.encode(prompt).length;
  const model = createFakeModel({ next: (_, position) => bytes[position - begin] ?? 0 });
  const handle = createApi({
    engine: engineOf({ name: "fake", load: async () => model }),
    log: createMemoryLog(),
  });
  const ask = async (stream: boolean) => {
    const request = { prompt, max_tokens: bytes.length, logprobs: 1, stream, ...body };
    return handle(new Request("http://x/v1/completions", { method: "POST", body: JSON.stringify(request) }));
  };
  const [whole] = (await (await ask(false)).json()).choices;
  const lines = (await (await ask(true)).text())
    .split("\n\n")
    .flatMap((event) => /^data: (\{.*)$/m.exec(event)?.[1] ?? []);
  const chunks = lines.map((line) => JSON.parse(line).choices[0]);
  return { whole, chunks };
}

const joined = (chunks: ReadonlyArray<{ logprobs: Record<string, unknown[]> | null }>, name: string) =>
  chunks.flatMap(({ logprobs }) => logprobs?.[name] ?? []);

const characters = (max: number) =>
  fc.array(fc.constantFrom("a", "b", " ", "é", "€", "🙂", "\uFFFD"), { minLength: 1, maxLength: max });
const text = (max: number) => characters(max).map((all) => all.join(""));

test("`text_offset` is each token's place in the text that its client got, and a stream says what one JSON says", async () => {
  const stop = fc.oneof(fc.constant(null), fc.array(text(4), { minLength: 1, maxLength: 3 }));
  await fc.assert(
    fc.asyncProperty(text(6), text(20), stop, fc.boolean(), async (prompt, answer, stop, echo) => {
      const { whole, chunks } = await complete(prompt, answer, { stop, echo });
      const { text, logprobs } = whole;
      const said = placesOf(answer).map((place) => (echo ? length(prompt) : 0) + place);
      const places = [...(echo ? placesOf(prompt) : []), ...said];
      expect(logprobs.text_offset).toEqual(
        places.slice(0, logprobs.tokens.length).map((place) => Math.min(place, length(text))),
      );
      expect(chunks.map((chunk) => chunk.text).join("")).toBe(text);
      for (const name of ["tokens", "token_logprobs", "top_logprobs", "text_offset"]) {
        expect(joined(chunks, name), name).toEqual(logprobs[name]);
      }
    }),
    { numRuns: 200 },
  );
});

test("a stream says of no token where it is before the text has come there", async () => {
  const { whole, chunks } = await complete("a", "one, two, three, four", { stop: [", three, five", "two, three, f"] });
  expect(whole.text).toBe("one, ");
  let got = 0;
  for (const { text, logprobs } of chunks) {
    got += length(text);
    for (const offset of logprobs?.text_offset ?? []) expect(offset).toBeLessThanOrEqual(got);
  }
  expect(joined(chunks, "text_offset")).toEqual(whole.logprobs.text_offset);
});

test("`text_offset` counts characters as Python does, and half a character is where the whole one is", async () => {
  const { whole } = await complete("é!🙂x", "", { echo: true, max_tokens: 0, logprobs: 0 });
  expect(whole.logprobs.text_offset).toEqual([0, 0, 1, 2, 2, 2, 2, 3]);
});
