import fc from "fast-check";
import { expect, test } from "vitest";
import { createQueue, type Ticket } from "./queue.ts";

/** Whether it is the ticket's turn, once all that follows from the last step has happened. */
const settled = (ticket: Ticket) =>
  Promise.race([ticket.turn.then(() => true), new Promise<boolean>((resolve) => setImmediate(() => resolve(false)))]);

test("`createQueue()` lets the next ticket in when the first leaves", async () => {
  const queue = createQueue(2);
  const first = queue.enter();
  const second = queue.enter();
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

test("`createQueue()` keeps one holder and the order of arrival, whoever leaves when", async () => {
  const step = fc.oneof(fc.constant("enter" as const), fc.nat(9));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const queue = createQueue(4);
      let line: Ticket[] = [];
      for (const action of steps) {
        if (action === "enter") {
          if (line.length > 4) expect(() => queue.enter()).toThrow();
          else line.push(queue.enter());
        } else {
          const left = line[action];
          left?.leave();
          left?.leave(); // once more does nothing
          line = line.filter((ticket) => ticket !== left);
        }
        expect([queue.active, queue.waiting]).toEqual([Math.min(1, line.length), Math.max(0, line.length - 1)]);
        expect(await Promise.all(line.map(settled))).toEqual(line.map((_, place) => place === 0));
      }
    }),
  );
});
