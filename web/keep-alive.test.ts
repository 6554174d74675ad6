import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createKeepAlive } from "./keep-alive.ts";

const url = new URL("http://host/__ping");
const answer = vi.fn<(url: URL) => Promise<{ status: number }>>();
const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1000);

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", answer);
  answer.mockReset().mockResolvedValue({ status: 204 });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("pings at once and then every ten seconds, until there is nothing left to keep alive", async () => {
  const keepAlive = createKeepAlive(url);
  keepAlive.start();
  await seconds(35);
  expect(answer).toHaveBeenCalledTimes(4);
  answer.mockResolvedValue({ status: 205 });
  await seconds(60);
  expect(answer).toHaveBeenCalledTimes(5);
  keepAlive.start();
  await seconds(0);
  expect(answer).toHaveBeenCalledTimes(6);
});

test("asked twice, it runs once; told to stop, it stops", async () => {
  const keepAlive = createKeepAlive(url);
  keepAlive.start();
  keepAlive.start();
  await seconds(15);
  expect(answer).toHaveBeenCalledTimes(2);
  keepAlive.stop();
  await seconds(60);
  expect(answer).toHaveBeenCalledTimes(2);
});

test("one failure is made good, two in a row end it; an answer of somebody else is a failure", async () => {
  answer.mockRejectedValueOnce(new TypeError()).mockResolvedValueOnce({ status: 204 });
  answer.mockResolvedValueOnce({ status: 404 }).mockRejectedValueOnce(new TypeError());
  createKeepAlive(url).start();
  await seconds(100);
  expect(answer).toHaveBeenCalledTimes(4);
});
