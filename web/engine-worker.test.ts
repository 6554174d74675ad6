import { expect, test } from "vitest";
import type { EngineToPage, PageToEngine } from "../core/protocol.ts";
import { superviseWorker } from "./engine-worker.ts";

type Start = Extract<PageToEngine, { type: "start" }>;

/** Starts at once, and does nothing more. */
class IdleWorker extends EventTarget {
  readonly started: Start[];

  constructor(started: Start[]) {
    super();
    this.started = started;
  }

  postMessage(message: Start): void {
    this.started.push(message);
    this.tell({ type: "alive" });
  }

  tell(data: EngineToPage): void {
    this.dispatchEvent(Object.assign(new Event("message"), { data }));
  }

  terminate(): void {}
}

function supervise() {
  const started: Start[] = [];
  let last = new IdleWorker(started);
  const createWorker = () => {
    last = new IdleWorker(started);
    return last as unknown as Worker;
  };
  const events = { onAlive() {}, onGone() {}, onFailed() {} };
  const supervised = superviseWorker({ createWorker, baseUrl: new URL("http://app.test/") }, events);
  supervised.start();
  return {
    supervised,
    avoided: () => started.map(({ avoid }) => avoid),
    tell: (news: EngineToPage) => last.tell(news),
  };
}

test("a worker that stops answering may have a GPU that hangs: the third one leaves it alone", () => {
  const { supervised, avoided } = supervise();
  for (let stuck = 0; stuck < 2; stuck++) supervised.replace(supervised.aliveLock ?? "");
  expect(avoided()).toEqual([[], [], ["webgpu"]]);
  expect(supervised.failure).toBeNull();
});

test("a GPU that is lost once and hangs once is left alone; threads that do not start are at the first time", () => {
  const { supervised, avoided, tell } = supervise();
  tell({ type: "broken", part: "webgpu", reason: "it is gone" });
  supervised.replace(supervised.aliveLock ?? "");
  tell({ type: "broken", part: "threads", reason: "none starts" });
  expect(avoided()).toEqual([[], [], ["webgpu"], ["webgpu", "threads"]]);
});

test("whoever reports another worker as stuck changes nothing", () => {
  const { supervised, avoided } = supervise();
  supervised.replace("another");
  expect(avoided()).toEqual([[]]);
});
