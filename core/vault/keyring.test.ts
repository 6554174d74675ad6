import { afterEach, expect, test, vi } from "vitest";
import { createKeyring } from "./keyring.ts";

afterEach(() => vi.useRealTimers());

const SCALAR = new Uint8Array([1, 2, 3]);

/** Messages between realms are tasks of their own. */
const told = (ring: ReturnType<typeof createKeyring>, isHeld: boolean) =>
  vi.waitFor(async () => expect((await ring.key()) !== null).toBe(isHeld));

test("all of an origin have the key of a vault that one of them unlocked, also who comes later, until one locks it", async () => {
  const [page, worker] = [createKeyring(), createKeyring()];
  expect(await worker.key()).toBeNull();
  page.hold(SCALAR, 60_000);
  await told(worker, true);
  const later = createKeyring();
  expect((await later.key())?.scalar).toEqual(SCALAR);
  worker.lock();
  expect(await worker.key()).toBeNull();
  await told(page, false);
  await told(later, false);
});

test("a key is forgotten once nobody has used it for so long, and kept as long as somebody does", async () => {
  let nowMs = 0;
  const ring = createKeyring(() => nowMs);
  ring.hold(SCALAR, 60_000);
  for (nowMs of [50_000, 100_000, 150_000]) expect((await ring.key())?.locksAtMs).toBe(nowMs + 60_000);
  nowMs = 190_000;
  expect((await ring.held())?.locksAtMs).toBe(210_000);
  nowMs = 210_000;
  expect(await ring.key()).toBeNull();
});

/** A page that has not heard yet of what the others say. */
const latePage = () => {
  const channel = new BroadcastChannel("minivault-keys");
  const heard: { type: string; held?: object }[] = [];
  channel.addEventListener("message", ({ data }) => heard.push(data));
  return { channel, heard };
};

test("a key that a page hands over while another locks is refused, by all of the origin, also if the page does it again", async () => {
  const [page, worker] = [createKeyring(), createKeyring()];
  const { channel, heard } = latePage();
  page.hold(SCALAR, 60_000);
  await told(worker, true);
  await vi.waitFor(() => expect(heard.at(-1)).toMatchObject({ type: "held" }));
  const stale = heard.at(-1)!;

  channel.postMessage(stale); // on its way
  worker.lock();
  channel.postMessage(stale); // and behind it
  await vi.waitFor(() => expect(heard.at(-1)).toMatchObject({ type: "lock" }));
  await told(page, false);
  channel.postMessage(stale);
  expect(await worker.key()).toBeNull();
  expect(await page.key()).toBeNull();

  expect(page.hold(SCALAR, 60_000)).toBe(true); // it can be unlocked again
  await told(worker, true);
  page.lock();
  channel.close();
});

test("whoever uses the key at the moment at which it is locked does not bring it back", async () => {
  const [page, worker] = [createKeyring(), createKeyring()];
  page.hold(SCALAR, 60_000);
  await told(worker, true);
  const used = worker.key();
  worker.lock();
  await used;
  expect(await worker.key()).toBeNull();
  await told(page, false);
});

test("an unlocking that began before the lock does not undo it, and a key from before is not taken by who comes later", async () => {
  const ring = createKeyring();
  ring.lock(3);
  expect(ring.hold(SCALAR, 60_000, 2)).toBe(false);
  expect(await ring.key()).toBeNull();
  const later = createKeyring();
  const frozen = latePage();
  frozen.channel.postMessage({
    type: "held",
    held: { scalar: SCALAR, idleMs: 60_000, locksAtMs: Date.now() + 60_000, locks: 2 },
  });
  await told(later, true); // it knows of no lock yet
  later.lock(3); // as the database says
  expect(await later.key()).toBeNull();
  expect(later.hold(SCALAR, 60_000, 3)).toBe(true);
  await told(ring, true);
  ring.lock();
  frozen.channel.close();
});
