import fc from "fast-check";
import { expect, test } from "vitest";
import { createQueue, type Queue, type Ticket } from "./queue.ts";

/** Whether it is the ticket's turn, once all that follows from the last step has happened. */
const settled = (ticket: Ticket) =>
  Promise.race([ticket.turn.then(() => true), new Promise<boolean>((resolve) => setImmediate(() => resolve(false)))]);

function enterReady(queue: Queue): Ticket {
  const ticket = queue.enter();
  ticket.ready();
  return ticket;
}

test("`createQueue()` lets the next ticket in when the first leaves", async () => {
  const queue = createQueue(2);
  const first = enterReady(queue);
  const second = enterReady(queue);
  expect([await settled(first), await settled(second)]).toEqual([true, false]);
  expect([queue.active, queue.waiting]).toEqual([1, 1]);
  first.leave();
  expect(await settled(second)).toBe(true);
});

test("`createQueue()` refuses at once what it has no room for", () => {
  const queue = createQueue(1);
  queue.enter();
  queue.enter();
  expect(() => queue.enter()).toThrow(expect.objectContaining({ code: "queue-full", status: 503 }));
});

test("who is not ready yet holds up nobody, and keeps the place in the order", async () => {
  const queue = createQueue(3);
  const loading = queue.enter();
  const second = enterReady(queue);
  const third = enterReady(queue);
  expect(await Promise.all([loading, second, third].map(settled))).toEqual([false, true, false]);
  loading.ready();
  second.leave();
  expect(await Promise.all([loading, third].map(settled))).toEqual([true, false]);
});

test("more are let in while a model comes, and none of them is refused once it has", () => {
  const queue = createQueue(1);
  const coming = Array.from({ length: 4 }, () => queue.enter(2));
  expect(() => queue.enter(2)).toThrow(expect.objectContaining({ code: "queue-full" }));
  for (const ticket of coming) ticket.ready();
  expect([queue.isFull, queue.waiting]).toEqual([true, 3]);
  for (const ticket of coming.slice(1)) ticket.leave();
  expect([queue.isFull, queue.waiting]).toEqual([false, 0]);
});

test("`createQueue()` keeps one holder and the order of arrival, whoever gets ready and leaves when", async () => {
  const step = fc.oneof(
    fc.constant({ type: "enter" as const, place: 0 }),
    fc.record({ type: fc.constantFrom("ready" as const, "leave" as const), place: fc.nat(5) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const queue = createQueue(4);
      let line: Ticket[] = [];
      const ready = new Set<Ticket>();
      let holder: Ticket | undefined;
      for (const { type, place } of steps) {
        const ticket = line[place];
        if (type === "enter") {
          if (line.length > 4) expect(() => queue.enter()).toThrow();
          else line.push(queue.enter());
        } else if (type === "ready" && ticket) {
          ticket.ready();
          ready.add(ticket);
        } else if (type === "leave" && ticket) {
          ticket.leave();
          ticket.leave(); // once more does nothing
          line = line.filter((other) => other !== ticket);
          if (holder === ticket) holder = undefined;
        }
        holder ??= line.find((other) => ready.has(other));
        expect([queue.active, queue.waiting]).toEqual([holder ? 1 : 0, line.length - (holder ? 1 : 0)]);
        expect(await Promise.all(line.map(settled))).toEqual(line.map((other) => other === holder));
      }
    }),
  );
});
