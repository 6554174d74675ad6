import { createHash } from "node:crypto";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { VaultError } from "../core/errors.ts";
import type { Progress } from "../core/protocol.ts";
import { type Hub, someBytes, startHub } from "../tests/fixtures/hub.ts";
import type { FileStore } from "./file-store.ts";
import { createLocalLibrary, type LocalLibraryOptions } from "./local-library.ts";
import { createMemoryStore } from "./memory-store.ts";
import type { ModelEntry, ModelManifest } from "./model-entry.ts";
import type { ModelLibrary } from "./model-library.ts";
import type { Timing } from "./retry.ts";

const SIZE = 1_000_000;
const WEIGHTS = "onnx/model.onnx";
const PATH = `/owner/name/resolve/main/${WEIGHTS}`;
const FILES = new Map([
  ["config.json", Buffer.from("{}")],
  ["tokenizer.json", someBytes(5_000)],
  [WEIGHTS, someBytes(SIZE)],
]);
const PATHS = [...FILES.keys()];
const TIMING: Timing = {
  connectMs: 300,
  stallMs: 300,
  backOffMs: 4,
  maxBackOffMs: 20,
  fruitlessTries: 4,
  unheardTries: 2,
};

let hub: Hub;
let store: FileStore;
let library: ModelLibrary;
let manifest: ModelManifest;

const entryOf = (repo: string): ModelEntry => ({
  name: repo,
  source: "hub",
  repo,
  revision: "main",
  files: null,
  dtypes: { webgpu: ["fp32"], wasm: ["fp32"] },
  defaults: {} as ModelEntry["defaults"],
  parameters: "",
  licence: "",
  contextTokens: null,
  chatStop: null,
  aboutBytes: { wasm: 1, webgpu: 2 },
});

function open(options: Partial<LocalLibraryOptions> = {}): ModelLibrary {
  return createLocalLibrary({
    store,
    origins: { hub: hub.url, baseUrl: "http://app.test/" },
    entries: [],
    findEntry: entryOf,
    fromSite: async () => null,
    device: "wasm",
    timing: TIMING,
    ...options,
  });
}

beforeEach(async () => {
  hub = await startHub(0, new Map(FILES));
  store = createMemoryStore();
  library = open();
  manifest = await library.describe("owner/name");
});
afterEach(() => hub.close());

const sent = (): number => hub.sentBytes.get(PATH) ?? 0;
const asked = () => hub.log.filter(({ path }) => path === PATH);
const state = async () => (await library.list())[0]?.files;

/** As another visit finds it. */
const later = (): void => {
  library = open();
};

async function expectWhole(): Promise<void> {
  for (const path of PATHS) {
    const stored = await store.read("owner/name", path);
    expect(sha(await stored?.arrayBuffer())).toBe(sha(FILES.get(path)));
    expect(sha((await library.read(manifest, path)) ?? undefined)).toBe(sha(FILES.get(path)));
  }
  expect((await store.list()).every(({ isWhole }) => isWhole)).toBe(true);
  expect(await state()).toEqual({ state: "stored" });
}

const sha = (bytes: ArrayBuffer | Uint8Array | undefined): string =>
  bytes
    ? createHash("sha256")
        .update(new Uint8Array(bytes as ArrayBuffer))
        .digest("hex")
    : "nothing";

/** Of each file, whole or not. */
async function keptBytes(): Promise<(path: string) => number> {
  const files = await store.list();
  return (path) => files.find((file) => file.path === path)?.sizeBytes ?? 0;
}

/** Nothing that could be taken for a file. */
async function expectNoWeights(): Promise<void> {
  expect(await store.read("owner/name", WEIGHTS)).toBeNull();
}

test("a model's files come with byte-exact progress, and once", async () => {
  const seen: Progress[] = [];
  await library.fetch(manifest, PATHS, { onProgress: (progress) => seen.push(progress) });
  await expectWhole();
  const total = SIZE + 5_000 + 2;
  expect(seen.at(-1)).toEqual({ loadedBytes: total, totalBytes: total });
  expect(seen.every(({ totalBytes }) => totalBytes === total)).toBe(true);
  expect(sent()).toBe(SIZE);
  later();
  await library.fetch(manifest, PATHS, {});
  await expectWhole();
  expect(hub.requests.length).toBe(1 + PATHS.length);
});

test("what is here is not said to be downloading", async () => {
  const states: unknown[] = [];
  const onChange = async () => states.push((await library.list())[0]?.files.state);
  library = open({ onChange });
  await library.fetch(manifest, PATHS, {});
  await vi.waitFor(() => expect(states.at(-1)).toBe("stored"));
  expect(states).toContain("downloading");
  library = open({ onChange });
  states.length = 0;
  await library.fetch(manifest, PATHS, {});
  await vi.waitFor(() => expect(states.length).toBeGreaterThan(0));
  expect(new Set(states)).toEqual(new Set(["stored"]));
});

test("only what is asked for is fetched, and counted", async () => {
  await library.fetch(manifest, ["config.json"], {});
  expect(hub.sentBytes.has(PATH)).toBe(false);
  expect((await library.list())[0]).toMatchObject({ sizeBytes: 2, files: { state: "stored" } });
});

test("cut at 60 %: at most 41 % is fetched again", async () => {
  hub.faults = [{ cutAfter: 0.6 * SIZE, times: 1 }];
  await library.fetch(manifest, PATHS, {});
  await expectWhole();
  expect(sent()).toBeLessThanOrEqual(1.01 * SIZE);
  expect(asked()).toMatchObject([{ range: null }, { range: "bytes=600000-", ifRange: expect.stringMatching(/^"/) }]);
});

test("cut three times", async () => {
  hub.faults = [{ cutAfter: 0.25 * SIZE, times: 3 }];
  await library.fetch(manifest, PATHS, {});
  await expectWhole();
  expect(sent()).toBe(SIZE);
});

test("cut again and again, each time a little further: as long as something comes it is not given up", async () => {
  hub.faults = [{ cutAfter: 0.05 * SIZE, times: 15 }];
  await library.fetch(manifest, PATHS, {});
  await expectWhole();
});

test("cut before the first byte each time: given up, with the reason, and gone on with later", async () => {
  hub.faults = [{ cutAfter: 0.5 * SIZE, times: 1 }, { cutAfter: 0 }];
  const error = await library.fetch(manifest, PATHS, {}).catch((cause: unknown) => cause);
  expect(error).toMatchObject({ code: "model-unavailable" });
  expect(String(error)).toMatch(`${hub.url} broke off the transfer`);
  await expectNoWeights();
  expect(await state()).toMatchObject({ state: "failed", loadedBytes: 0.5 * SIZE + 5_002, totalBytes: SIZE + 5_002 });

  hub.faults = [];
  later();
  expect(await state()).toMatchObject({ state: "paused", loadedBytes: 0.5 * SIZE + 5_002 });
  await library.fetch(manifest, PATHS, {});
  await expectWhole();
  expect(sent()).toBe(SIZE);
});

test("a connection that stalls is dropped, and the rest asked for", async () => {
  hub.faults = [{ stallAfter: 0.5 * SIZE, times: 1 }];
  await library.fetch(manifest, PATHS, {});
  await expectWhole();
  expect(sent()).toBe(SIZE);
});

test("a hub that is silent, or not there, is given up soon", async () => {
  hub.faults = [{ silent: true }];
  await expect(library.fetch(manifest, PATHS, {})).rejects.toThrow(`${hub.url} does not answer`);
  const nobody = open({ origins: { hub: "http://localhost:9", baseUrl: "http://app.test/" } });
  await expect(nobody.describe("owner/other")).rejects.toMatchObject({
    code: "model-unavailable",
    message: expect.stringContaining("http://localhost:9 cannot be reached"),
  });
});

test("429 with `Retry-After` is waited for", async () => {
  hub.faults = [{ status: 429, retryAfterS: 1, times: 1 }];
  const startMs = performance.now();
  const whole = library.fetch(manifest, PATHS, {});
  await expect.poll(state).toMatchObject({ state: "downloading", retrying: `${hub.url} answers with status 429` });
  await whole;
  expect(performance.now() - startMs).toBeGreaterThan(990);
  await expectWhole();
});

test.each([503, 500, 408])("status %i is tried again, but not for ever", async (status) => {
  hub.faults = [{ status, times: 3 }];
  await library.fetch(manifest, PATHS, {});
  await expectWhole();
  await library.remove("owner/name");
  hub.faults = [{ status }];
  await expect(library.fetch(manifest, PATHS, {})).rejects.toMatchObject({
    code: "model-unavailable",
    message: expect.stringContaining(`${hub.url} answers with status ${status}`),
  });
  await expectNoWeights();
});

test("the hub's tree is asked for again after a 503", async () => {
  hub.faults = [{ on: /tree/, status: 503, times: 2 }];
  expect((await library.describe("owner/other")).files.length).toBe(3);
});

test("the hub's tree is read to its last page", async () => {
  hub.treePage = 1;
  await library.fetch(await library.describe("owner/other"), PATHS, {});
  expect((await store.list()).map(({ path }) => path).sort()).toEqual([...PATHS].sort());
  expect(hub.requests.filter((path) => path.includes("/owner/other/tree/"))).toHaveLength(PATHS.length);
});

test("a file that the hub refuses is not asked for twice", async () => {
  hub.faults = [{ status: 403 }];
  await expect(library.fetch(manifest, PATHS, {})).rejects.toMatchObject({ code: "model-unavailable" });
  expect(asked().length).toBe(1);
});

test("wrong bytes once are fetched again; twice, the model is broken, and nothing of them stays", async () => {
  hub.faults = [{ wrongBytes: true, times: 1 }];
  await library.fetch(manifest, PATHS, {});
  await expectWhole();
  expect(sent()).toBe(2 * SIZE);

  await library.remove("owner/name");
  hub.faults = [{ wrongBytes: true }];
  const error = await library.fetch(manifest, PATHS, {}).catch((cause: unknown) => cause);
  expect(error).toMatchObject({ code: "model-broken", message: expect.stringContaining(WEIGHTS) });
  await expectNoWeights();
  hub.faults = [];
  later();
  await library.fetch(manifest, PATHS, {});
  await expectWhole();
});

test.each([
  ["longer", 7],
  ["shorter", -7],
])("a file that is %s than the hub's tree says is broken", async (_, sizeDelta) => {
  hub.faults = [{ sizeDelta }];
  await expect(library.fetch(manifest, PATHS, {})).rejects.toMatchObject({ code: "model-broken" });
  expect(asked().length).toBe(2);
  await expectNoWeights();
});

test("another version mid-way: what there is of the old one is dropped", async () => {
  hub.faults = [{ otherVersion: true, cutAfter: 0.6 * SIZE, times: 1 }];
  await library.fetch(manifest, PATHS, {});
  await expectWhole();
  expect(sent()).toBe(1.6 * SIZE);
});

test("another version mid-way at an origin without ETags: the hash tells", async () => {
  hub.faults = [{ otherVersion: true, noEtag: true, cutAfter: 0.6 * SIZE, times: 1 }, { noEtag: true }];
  await library.fetch(manifest, PATHS, {});
  await expectWhole();
  expect(sent()).toBe(2 * SIZE);
});

test("an origin without `Range` sends all of it again", async () => {
  hub.faults = [{ noRange: true, cutAfter: 0.6 * SIZE, times: 1 }, { noRange: true }];
  await library.fetch(manifest, PATHS, {});
  await expectWhole();
  expect(sent()).toBe(1.6 * SIZE);
});

test("an origin without `Range` that never gets to the end is given up", async () => {
  hub.faults = [{ noRange: true, cutAfter: 0.6 * SIZE }];
  await expect(library.fetch(manifest, PATHS, {})).rejects.toMatchObject({ code: "model-unavailable" });
  expect(asked().length).toBe(1 + TIMING.fruitlessTries);
});

test("a slow origin is waited for as long as something comes, and its speed is told", async () => {
  hub.faults = [{ bytesPerSecond: 1_500_000 }];
  const whole = library.fetch(manifest, PATHS, {});
  await expect.poll(state).toMatchObject({ state: "downloading", bytesPerSecond: expect.any(Number) });
  await expect.poll(async () => ((await state()) as { bytesPerSecond: number }).bytesPerSecond).toBeGreaterThan(50_000);
  await whole;
  await expectWhole();
  expect(asked().length).toBe(1);
});

test("a model that nobody knows is not found, and a strange answer is said to be one", async () => {
  await expect(library.describe("nobody/nothing")).rejects.toMatchObject({ code: "model-not-found" });
  hub.faults = [{ on: /tree/, status: 204 }];
  await expect(library.describe("owner/other")).rejects.toMatchObject({ code: "model-unavailable" });
});

test("two callers share one download, and one of them may leave", async () => {
  hub.faults = [{ bytesPerSecond: 3_000_000 }];
  const leave = new AbortController();
  const first = library.fetch(manifest, PATHS, { signal: leave.signal });
  const second = library.fetch(manifest, PATHS, { onProgress: () => leave.abort() });
  await expect(first).rejects.toMatchObject({ code: "load-cancelled" });
  await second;
  await expectWhole();
  expect(sent()).toBe(SIZE);
});

test("`pause()` refuses all callers, and keeps what is here", async () => {
  hub.faults = [{ stallAfter: 0.5 * SIZE, times: 1 }];
  const callers = [library.fetch(manifest, PATHS, {}), library.fetch(manifest, PATHS, {})].map((caller) =>
    caller.catch((cause: VaultError) => cause.code),
  );
  await expect.poll(state).toMatchObject({ loadedBytes: 0.5 * SIZE + 5_002 });
  await library.pause("owner/name");
  expect(await Promise.all(callers)).toEqual(["load-cancelled", "load-cancelled"]);
  expect(await state()).toMatchObject({ state: "paused", loadedBytes: 0.5 * SIZE + 5_002 });
  await library.fetch(manifest, PATHS, {});
  await expectWhole();
  expect(sent()).toBe(SIZE);
});

test("one that goes on is downloading at once, also before it has seen what is here", async () => {
  hub.faults = [{ stallAfter: 0.5 * SIZE, times: 1 }];
  const caller = library.fetch(manifest, PATHS, {}).catch((cause: VaultError) => cause.code);
  await expect.poll(state).toMatchObject({ loadedBytes: 0.5 * SIZE + 5_002 });
  await library.pause("owner/name");
  expect(await caller).toBe("load-cancelled");
  let look = () => {};
  const looked = new Promise<void>((resolve) => {
    look = resolve;
  });
  vi.spyOn(store, "list").mockImplementationOnce(() => looked.then(() => store.list()));
  const goingOn = library.fetch(manifest, PATHS, {});
  expect(await state()).toMatchObject({ state: "downloading", loadedBytes: 0.5 * SIZE + 5_002 });
  look();
  await goingOn;
  await expectWhole();
});

test("`remove()` stops the download and leaves nothing", async () => {
  hub.faults = [{ stallAfter: 0.5 * SIZE, times: 1 }];
  const caller = library.fetch(manifest, PATHS, {}).catch((cause: VaultError) => cause.code);
  await expect.poll(state).toMatchObject({ loadedBytes: 0.5 * SIZE + 5_002 });
  await library.remove("owner/name");
  expect(await caller).toBe("load-cancelled");
  expect(await store.list()).toEqual([]);
  expect(await library.list()).toEqual([]);
});

test("cancelled at any moment, any number of times: the right bytes, and none of them twice", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(40), { maxLength: 6 }), async (moments) => {
      store = createMemoryStore();
      later();
      hub.faults = [{ bytesPerSecond: 50_000_000 }];
      let kept = await keptBytes();
      for (const steps of moments) {
        const stop = new AbortController();
        const call = library.fetch(manifest, PATHS, { signal: stop.signal }).catch((cause: VaultError) => cause.code);
        for (let step = 0; step < steps; step++) await new Promise(setImmediate);
        stop.abort();
        expect([undefined, "load-cancelled"]).toContain(await call);
        await library.pause("owner/name");
        const before = kept;
        kept = await keptBytes();
        for (const path of PATHS) expect(kept(path)).toBeGreaterThanOrEqual(before(path));
      }
      // Another one: at this one, requests that were cancelled may still come in, and are answered.
      const another = await startHub(0, FILES);
      library = open({ origins: { hub: another.url, baseUrl: "http://app.test/" } });
      await library.fetch(manifest, PATHS, {});
      await expectWhole();
      await another.close();
      for (const [path, { length }] of FILES) {
        expect(another.sentBytes.get(`/owner/name/resolve/main/${path}`) ?? 0).toBe(length - kept(path));
      }
    }),
    { numRuns: 30 },
  );
});

test("a store that fills up at any byte: storage-full, and gone on with when there is room", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(SIZE), async (roomBytes) => {
      const memory = createMemoryStore();
      let room = roomBytes;
      store = {
        ...memory,
        async openPart(model, path) {
          const part = await memory.openPart(model, path);
          return {
            ...part,
            get sizeBytes() {
              return part.sizeBytes;
            },
            get etag() {
              return part.etag;
            },
            append: async (chunk) => {
              if (chunk.byteLength > room) throw new DOMException("full", "QuotaExceededError");
              room -= chunk.byteLength;
              await part.append(chunk);
            },
          };
        },
      };
      later();
      await expect(library.fetch(manifest, PATHS, {})).rejects.toMatchObject({
        code: "storage-full",
        message: expect.stringContaining("owner/name"),
      });
      await expectNoWeights();
      room = Number.POSITIVE_INFINITY;
      await library.fetch(manifest, PATHS, {});
      await expectWhole();
    }),
    { numRuns: 20 },
  );
});

test("no room for what is missing: refused before the first byte", async () => {
  const full = new VaultError("storage-full", "No room.");
  let neededBytes = 0;
  library = open({
    checkRoom: async (_, bytes) => {
      neededBytes = bytes;
      throw full;
    },
  });
  await expect(library.fetch(manifest, PATHS, {})).rejects.toMatchObject({ code: "storage-full" });
  expect(neededBytes).toBe(SIZE + 5_002);
  expect(hub.sentBytes.size).toBe(0);
});

test("a file that is damaged, cut short or evicted between visits is fetched again, alone", async () => {
  await library.fetch(manifest, PATHS, {});
  const damage: Array<(bytes: Buffer<ArrayBuffer>) => Buffer<ArrayBuffer> | null> = [
    (bytes) => Buffer.from(bytes.map((byte, at) => (at === 777 ? byte ^ 1 : byte))),
    (bytes) => bytes.subarray(1),
    () => null,
  ];
  for (const change of damage) {
    const changed = change(Buffer.from(FILES.get(WEIGHTS)!));
    await store.remove("owner/name", WEIGHTS);
    if (changed) {
      const part = await store.openPart("owner/name", WEIGHTS);
      await part.append(changed);
      await part.publish({ path: WEIGHTS, sizeBytes: changed.length, hash: null });
    }
    later();
    hub.requests.length = 0;
    expect(sha((await library.read(manifest, WEIGHTS)) ?? undefined)).toBe(sha(FILES.get(WEIGHTS)));
    expect(hub.requests).toEqual([PATH]);
    await expectWhole();
  }
});

test("a damaged file that comes damaged again is an error that says so", async () => {
  await library.fetch(manifest, PATHS, {});
  await store.remove("owner/name", WEIGHTS);
  later();
  hub.faults = [{ wrongBytes: true }];
  await expect(library.read(manifest, WEIGHTS)).rejects.toMatchObject({ code: "model-broken" });
  await expectNoWeights();
});

test("`read()` of what a model does not have is null", async () => {
  expect(await library.read(manifest, "chat_template.jinja")).toBeNull();
});

test("a model that is here is described without the hub", async () => {
  await library.fetch(manifest, PATHS, {});
  await hub.close();
  later();
  const described = await library.describe("owner/name");
  expect(described.files).toEqual(manifest.files);
  await library.fetch(described, PATHS, {});
  await expectWhole();
});
