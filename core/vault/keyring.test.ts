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
