import { asVaultError, VaultError } from "./errors.ts";
import type { Engine, EngineCall, EngineToHost, HostToEngine, PageToEngine, Port, TokenEvent } from "./protocol.ts";

interface OpenStream {
  readonly reader: ReadableStreamDefaultReader<TokenEvent>;
  credits: number;
  /** Set while the pump waits for credits. */
  wake?: () => void;
}

interface PortOptions {
  /** How long a stream may wait for its reader. */
  readonly creditLeaseMs?: number;
}

/** The engine's end: answers `HostToEngine` messages from `engine`. Returns a function that cancels what is open. */
export function serveEngine(engine: Engine, port: Port, { creditLeaseMs = 120_000 }: PortOptions = {}): () => void {
  const streams = new Map<number, OpenStream>();
  const send = (message: EngineToHost) => port.postMessage(message);
  const fail = (id: number, cause: unknown) => send({ type: "fail", id, error: asVaultError(cause).toWire() });

  const grant = (id: number, credits: number) => {
    const stream = streams.get(id);
    if (!stream) return;
    stream.credits += credits;
    stream.wake?.();
  };

  /** A reader that sleeps would hold its KV cache and its turn for ever. */
  const creditOrLapse = (stream: OpenStream) =>
    new Promise<void>((resolve, reject) => {
      const lapse = setTimeout(() => {
        stream.reader.cancel().catch(() => {});
        reject(new VaultError("reader-stalled", STALLED));
      }, creditLeaseMs);
      (lapse as { unref?: () => void }).unref?.(); // no reason for Node to stay alive
      stream.wake = () => {
        clearTimeout(lapse);
        resolve();
      };
    });

  const pump = async (id: number, stream: OpenStream) => {
    try {
      while (streams.has(id)) {
        if (stream.credits === 0) {
          await creditOrLapse(stream);
          continue;
        }
        stream.credits--;
        const { done, value } = await stream.reader.read();
        if (!streams.has(id)) return;
        if (done) return send({ type: "end", id });
        send({ type: "event", id, event: value });
      }
    } catch (cause) {
      fail(id, cause);
    } finally {
      streams.delete(id);
    }
  };

  const cancel = (id: number) => {
    const stream = streams.get(id);
    if (!stream) return;
    streams.delete(id);
    stream.wake?.();
    stream.reader.cancel().catch(() => {}); // a source that fails to stop has nobody left to tell
  };

  const onMessage = ({ data }: { data: unknown }) => {
    const message = data as HostToEngine;
    const { id } = message;
    switch (message.type) {
      case "call":
        call(engine, message.call).then(
          (result) => send({ type: "result", id, result }),
          (cause) => fail(id, cause),
        );
        break;
      case "generate": {
        const stream = { reader: engine.generate(message.request).getReader(), credits: message.credits };
        streams.set(id, stream);
        void pump(id, stream);
        break;
      }
      case "credit":
        grant(id, message.credits);
        break;
      case "cancel":
        cancel(id);
        break;
      default:
        message satisfies never;
    }
  };

  port.addEventListener("message", onMessage);
  port.start();
  return () => {
    port.removeEventListener("message", onMessage);
    for (const id of [...streams.keys()]) cancel(id);
    port.close();
  };
}

const STALLED =
  "Nobody read the answer for too long, so the model was stopped. Read on, or continue at GET /generate/stream/{request-id}.";

/**
 * The engine's end of one port after the other, of each host: with its first message a port takes over from those
 * before, whose other end is dead then. Not earlier, for a port may be sent that nobody needs.
 */
export function serveEngineOnPorts(engine: Engine, options: PortOptions = {}): (port: Port, host: EngineHost) => void {
  const open: Record<EngineHost, Set<() => void>> = { "service-worker": new Set(), page: new Set() };
  return (port, host) => {
    const close = serveEngine(engine, port, options);
    open[host].add(close);
    port.addEventListener("message", () => {
      for (const other of open[host]) {
        if (other === close) continue;
        open[host].delete(other);
        other();
      }
    });
  };
}

type EngineHost = Extract<PageToEngine, { type: "attach" }>["host"];

/** The method belongs to the arguments: the union that they came in says so, and TypeScript cannot follow it here. */
const call = async (engine: Engine, { method, args }: EngineCall): Promise<unknown> =>
  (engine[method] as (...args: unknown[]) => Promise<unknown>)(...args);
