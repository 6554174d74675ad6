import { assert } from "chai";
import { ENDLESS } from "../fixtures/endless.ts";
import {
  type ContractCase,
  closedRecord,
  events,
  isProblem,
  type Json,
  newId,
  PARIS,
  post,
  type Send,
  STORY,
} from "./contract-case.ts";

const LONG = { prompt: STORY, max_new_tokens: 120, temperature: 0.9, seed: 5, ...ENDLESS };
const SSE = { accept: "text/event-stream" };

/** What arrives until there are so many bytes; then the client leaves. */
async function readSome(response: Response, bytes: number): Promise<string> {
  assert.equal(response.status, 200);
  const reader = response.body?.getReader();
  const utf8 = new TextDecoder();
  let text = "";
  while (text.length < bytes) {
    const { done, value } = (await reader?.read()) ?? { done: true };
    if (done) break;
    text += utf8.decode(value, { stream: true });
  }
  await reader?.cancel();
  return text;
}

const text = async (response: Response): Promise<string> => {
  assert.equal(response.status, 200);
  return response.text();
};

/** Whole events only, as an `EventSource` would have them. */
const whole = (sse: string): string => sse.slice(0, sse.lastIndexOf("\n\n") + 2);
const said = (sse: string): string[] => events(sse).flatMap(({ data }) => (data === "[DONE]" ? [] : [tokenOf(data)]));
const tokenOf = (data: string): string => JSON.parse(data).token;

const resume = (send: Send, id: string, headers: Record<string, string> = {}, query = "") =>
  send(`/generate/stream/${id}${query}`, { headers });

export const RESUME_CONTRACT: readonly ContractCase[] = [
  {
    name: "every server-sent event has an id: the number of tokens up to it, and one more for the end",
    async run(send) {
      const all = events(await text(await post(send, "/generate/stream", { prompt: PARIS }, SSE)));
      assert.deepEqual(
        all.map(({ id }) => id),
        [1, 2, 3, 4, 4, 5],
      );
    },
  },
  {
    name: "a stream that was left goes on after Last-Event-ID, with the tokens that it would have had, in the same record",
    async run(send) {
      const reference = said(await text(await post(send, "/generate/stream", LONG, SSE)));
      const requestId = newId();
      const first = whole(
        await readSome(await post(send, "/generate/stream", LONG, { ...SSE, "x-request-id": requestId }), 400),
      );
      const left = await closedRecord(send, requestId);
      assert.equal(left.finish_reason, "cancelled");

      const lastId = `${events(first).at(-1)?.id}`;
      const response = await resume(send, requestId, { "last-event-id": lastId });
      assert.equal(response.headers.get("x-request-id"), requestId);
      assert.equal(response.headers.get("content-type"), "text/event-stream");
      const second = await text(response);
      assert.deepEqual([...said(first), ...said(second)], reference);
      const ids = [...events(first), ...events(second)].map(({ id }) => id);
      assert.deepEqual(
        ids.toSorted((a, b) => a - b),
        ids,
      );

      const record = await closedRecord(send, requestId);
      assert.equal(record.id, left.id);
      assert.equal(record.finish_reason, "length");
      assert.equal(record.response, reference.join(""));
      assert.equal(record.usage?.completion_tokens, 120);
    },
  },
  {
    name: "a stream whose seed was drawn goes on as it began, however often it is left, whatever it is counted in",
    async run(send) {
      const requestId = newId();
      const { seed: _, ...asked } = LONG;
      let sofar = await readSome(await post(send, "/generate/stream", asked, { "x-request-id": requestId }), 40);
      for (const more of [60, 80]) {
        await closedRecord(send, requestId);
        sofar += await readSome(await resume(send, requestId, {}, `?from=${sofar.length}`), more);
      }
      await closedRecord(send, requestId);
      const answer = sofar + (await text(await resume(send, requestId, {}, `?from=${sofar.length}`)));
      const record = await closedRecord(send, requestId);
      assert.equal(answer, record.response);
      const again = { ...asked, seed: record.options?.seed };
      assert.equal(await text(await post(send, "/generate/stream", again)), answer);
    },
  },
  {
    name: "GET /v1/stream goes on with a conversation after so many bytes, as llama.cpp does",
    async run(send) {
      const chat = { messages: [{ role: "user", content: "Tell me a joke about AI" }], stream: true, seed: 3 };
      const conversation = newId();
      const requestId = newId();
      const headers = { "x-conversation-id": conversation, "x-request-id": requestId };
      const first = await readSome(await post(send, "/v1/chat/completions", { ...chat, max_tokens: 60 }, headers), 900);
      await closedRecord(send, requestId);
      const from = first.length;
      const second = await text(await send(`/v1/stream?conv_id=${conversation}&from=${from}`));
      const answer = events(first + second).map(({ data }) => data);
      assert.equal(answer.pop(), "[DONE]");
      const content = answer.map((data) => (JSON.parse(data) as Json).choices[0].delta.content ?? "").join("");
      assert.equal(content, (await closedRecord(send, requestId)).response);
      assert.equal(await text(await send(`/v1/stream?conv_id=${conversation}&from=0`)), first + second);
    },
  },
  {
    name: "a stream that has ended is told again, adds nothing to the log, and is a 204 to who has all of it",
    async run(send) {
      const requestId = newId();
      const first = await text(await post(send, "/generate/stream", LONG, { ...SSE, "x-request-id": requestId }));
      const record = await closedRecord(send, requestId);
      assert.equal(await text(await resume(send, requestId)), first);
      const rest = await text(await resume(send, requestId, { "last-event-id": "100" }));
      assert.isTrue(first.endsWith(rest));
      assert.equal(events(rest)[0]?.id, 101);
      const lastId = `${events(first).at(-1)?.id}`;
      assert.equal((await resume(send, requestId, { "last-event-id": lastId })).status, 204);
      assert.deepEqual(await closedRecord(send, requestId), record);
    },
  },
  {
    name: "a stream that is not kept is a 404, and one JSON is never kept; a wrong place in it is a 400",
    async run(send) {
      await isProblem(await resume(send, newId()), 404, "stream-not-found");
      const requestId = newId();
      await (await post(send, "/generate", { prompt: PARIS }, { "x-request-id": requestId })).text();
      await isProblem(await resume(send, requestId), 404, "stream-not-found");
      await isProblem(await resume(send, requestId, { "last-event-id": "some" }), 400, "bad-request");
      await isProblem(await resume(send, requestId, {}, "?from=-1"), 400, "bad-request");
      const nameless = await send("/v1/stream");
      assert.equal(nameless.status, 400);
      assert.equal(((await nameless.json()) as Json).error.param, "conv_id");
    },
  },
];
