import { VaultError } from "../errors.ts";
import type { Device, GenerateRequest, TokenEvent } from "../protocol.ts";
import { modelOf } from "./cassette-name.ts";
import { optionDifferences } from "./compare-options.ts";
import { isSamePrompt, likeness, promptDifference } from "./compare-prompts.ts";
import { playback } from "./playback.ts";
import { type Recording, readRecordings } from "./recording.ts";

/** Recorded answers, in place of a model. */
export interface Cassette {
  readonly sizeBytes: number;
  readonly device: Device;
  /** Throws `no-recording`, which names what comes nearest, or `bad-request` for what no recording has. */
  check(request: GenerateRequest): void;
  /** Of several recordings of one request the first that was not told yet, at last the last one again and again. */
  play(request: GenerateRequest): ReadableStream<TokenEvent>;
}

/** @param where its file, for people */
export function createCassette(name: string, jsonl: string, where: string): Cassette {
  const recordings = readRecordings(jsonl, where);
  const told = new Set<Recording>();

  const find = (request: GenerateRequest): Recording => {
    const begun = recordings[request.continued[0] ?? -1]; // see `playback`
    if (begun) return begun;
    const fitting = recordings.filter((one) => isAnswer(one, request));
    const found = fitting.find((one) => !told.has(one)) ?? fitting.at(-1);
    if (found) return found;
    throw new VaultError("no-recording", `${where} has no answer to this request. ${nearest(recordings, request)}`);
  };

  return {
    sizeBytes: jsonl.length,
    device: recordings[0]?.record.device ?? "cpu",
    check(request) {
      if (request.logprobs !== null) throw new VaultError("bad-request", NO_SCORES, { field: "logprobs" });
      if (request.echo && request.prompt.type !== "text")
        throw new VaultError("bad-request", NO_ECHO, { field: "echo" });
      find(request);
    },
    play(request) {
      const found = find(request);
      told.add(found);
      return playback(found, request, modelOf(name));
    },
  };
}

const isAnswer = (recording: Recording, request: GenerateRequest): boolean =>
  isSamePrompt(recording.request.prompt, request.prompt) && optionDifferences(request, recording).length === 0;

/** What a test's author has to change, or to record. */
function nearest(recordings: readonly Recording[], request: GenerateRequest): string {
  const ranked = recordings
    .map((recording) => ({
      recording,
      isSame: isSamePrompt(recording.request.prompt, request.prompt),
      likeness: likeness(recording.request.prompt, request.prompt),
      differences: optionDifferences(request, recording),
    }))
    .toSorted(
      (a, b) =>
        Number(b.isSame) - Number(a.isSame) || b.likeness - a.likeness || a.differences.length - b.differences.length,
    );
  const [best] = ranked;
  if (!best) return NONE;
  const { recording, isSame, differences } = best;
  const prompt = isSame ? [] : [promptDifference(recording.request.prompt, request.prompt)];
  const all = [...prompt, ...differences].join("; ");
  return `The nearest of its ${recordings.length} recordings is ${recording.record.id}: ${all}.`;
}

const NONE =
  "It has no recordings: only what ended by itself and was logged in full, with nothing redacted, can be told again.";
const NO_SCORES = "A cassette has no log-probabilities. Leave them out, or name a model.";
const NO_ECHO = "A cassette does not know the text of token ids. Leave out echo, or name a model.";
