const { setImmediate } = globalThis as { setImmediate?: (task: () => void) => void };
const { port1, port2 } = setImmediate ? {} : new MessageChannel();
const waiting: Array<() => void> = [];
if (port1) port1.onmessage = () => waiting.shift()?.();

/**
 * Lets the event loop turn once, so that messages are heard. A message to oneself takes microseconds;
 * `setTimeout(0)` takes 4 ms once nested. https://html.spec.whatwg.org/#dom-settimeout-dev
 * Node hears a thousand of them in one turn, but has another way.
 */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    if (setImmediate) return setImmediate(resolve);
    waiting.push(resolve);
    port2?.postMessage(null);
  });
}
