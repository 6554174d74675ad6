import { asVaultError } from "./errors.ts";
import type { Engine, EngineToHost, HostToEngine, Port, TokenEvent } from "./protocol.ts";

interface OpenStream {
  readonly reader: ReadableStreamDefaultReader<TokenEvent>;
  credits: number;
  /** Set while the pump waits for credits. */
  wake?: () => void;
}

/** The engine's end: answers `HostToEngine` messages from `engine`. Returns a function that cancels what is open. */
export function serveEngine(engine: Engine, port: Port): () => void {
  const streams = new Map<number, OpenStream>();
  const send = (message: EngineToHost) => port.postMessage(message);
  const fail = (id: number, cause: unknown) => send({ type: "fail", id, error: asVaultError(cause).toWire() });

  const grant = (id: number, credits: number) => {
    const stream = streams.get(id);
    if (!stream) return;
    stream.credits += credits;
    stream.wake?.();
  };

  const pump = async (id: number, stream: OpenStream) => {
    try {
      while (streams.has(id)) {
        if (stream.credits === 0) {
          await new Promise<void>((wake) => {
            stream.wake = wake;
          });
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
      case "status":
        engine.status().then(
          (status) => send({ type: "status", id, status }),
          (cause) => fail(id, cause),
        );
        break;
      case "admit":
        engine.admit(message.request).then(
          () => send({ type: "admitted", id }),
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
