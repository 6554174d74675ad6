import { assert } from "chai";
import fc from "fast-check";
import type { PartFile } from "../../models/file-store.ts";
import { bytesOf, noise, type OpenStore } from "./file-store-contract.ts";

type Step =
  | { readonly do: "append"; readonly sizeBytes: number }
  | { readonly do: "restart"; readonly etag: string | null }
  | { readonly do: "close" | "reopen" | "publish" | "publish-wrong" | "remove" };

const STEPS: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant("append" as const), sizeBytes: fc.nat(5000) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("restart" as const), etag: fc.option(fc.string()) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("close", "publish-wrong", "remove") }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("reopen", "publish") }) },
  ),
  { maxLength: 30 },
);

/** Whatever is done to a file, in whatever order: what is there is what a few variables say. */
export async function checkAnySequence(open: OpenStore, numRuns: number): Promise<void> {
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(STEPS, async (steps) => {
      const model = `any-sequence-${Date.now()}-${++runs}`;
      let store = await open();
      let part: PartFile | null = null;
      let expectedPart: { bytes: number[]; etag: string | null } | null = null;
      let expectedWhole: number[] | null = null;
      const opened = async () => {
        part ??= await store.openPart(model, "file");
        expectedPart ??= { bytes: [], etag: null };
        return [part, expectedPart] as const;
      };
      const closed = async () => {
        await part?.close();
        part = null;
      };

      for (const [i, step] of steps.entries()) {
        if (step.do === "append") {
          const [part, expected] = await opened();
          await part.append(noise(step.sizeBytes, i));
          expected.bytes.push(...noise(step.sizeBytes, i));
        } else if (step.do === "restart") {
          const [part, expected] = await opened();
          await part.restart(step.etag);
          Object.assign(expected, { bytes: [], etag: step.etag });
        } else if (step.do === "publish") {
          const [opened_, expected] = await opened();
          await opened_.publish({ path: "file", sizeBytes: expected.bytes.length, hash: null });
          expectedWhole = expected.bytes;
          [part, expectedPart] = [null, null];
        } else if (step.do === "publish-wrong") {
          const [part, expected] = await opened();
          const file = { path: "file", sizeBytes: expected.bytes.length + 1, hash: null };
          assert.equal((await part.publish(file).catch((cause) => cause))?.code, "model-broken");
        } else if (step.do === "remove") {
          await closed();
          await store.remove(model, "file");
          [expectedPart, expectedWhole] = [null, null];
        } else {
          await closed();
          if (step.do === "reopen") store = await open();
        }
      }
      await closed();

      const whole = await bytesOf(await store.read(model, "file"));
      assert.deepEqual(whole && [...whole], expectedWhole);
      const expectedList = [
        ...(expectedWhole ? [{ model, path: "file", sizeBytes: sizeOf(expectedWhole), isWhole: true }] : []),
        ...(expectedPart ? [{ model, path: "file", sizeBytes: sizeOf(bytesIn(expectedPart)), isWhole: false }] : []),
      ];
      assert.deepEqual(
        (await store.list()).filter((file) => file.model === model),
        expectedList,
      );
      const [found, expected] = await opened();
      assert.deepEqual([found.etag, [...((await bytesOf(await found.read())) ?? [])]], [expected.etag, expected.bytes]);
      await closed();
      await store.remove(model);
    }),
    { numRuns },
  );
}

const sizeOf = ({ length }: readonly number[]): number => length;
const bytesIn = ({ bytes }: { readonly bytes: readonly number[] }) => bytes;
