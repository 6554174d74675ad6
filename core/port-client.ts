import { VaultError } from "./errors.ts";
import type { Engine, EngineCall, EngineToHost, HostToEngine, Port, TokenEvent, WireError } from "./protocol.ts";

/** Events that the engine may be ahead of the reader: enough to hide a round trip, little to throw away. */
const WINDOW = 16;

/** An `Engine` whose work happens on the far side of `port`. */
export interface RemoteEngine extends Engine {
  /** Fails what is pending and everything that comes after: the other end is gone. */
  disconnect(why?: VaultError): void;
}

/** The host's end. */
export function connectEngine(port: Port): RemoteEngine {
  const pending = new Map<number, (message: EngineToHost) => void>();
  let lastId = 0;
  let gone: WireError | undefined;
  const send = (message: HostToEngine) => port.postMessage(message);

  port.addEventListener("message", ({ data }) => {
    const message = data as EngineToHost;
    pending.get(message.id)?.(message);
  });
  port.start();

  /** Sends under a fresh id and routes every answer to `receive`, until that drops the id. */
  const open = (message: (id: number) => HostToEngine, receive: (answer: EngineToHost) => void): number => {
    const id = ++lastId;
    if (gone) {
      receive({ type: "fail", id, error: gone });
    } else {
      pending.set(id, receive);
      send(message(id));
    }
    return id;
  };

  const call = <T>(call: EngineCall): Promise<T> =>
    new Promise((resolve, reject) => {
      open(
        (id) => ({ type: "call", id, call }),
        (answer) => {
          pending.delete(answer.id);
          if (answer.type === "fail") reject(VaultError.fromWire(answer.error));
          else if (answer.type === "result") resolve(answer.result as T);
        },
      );
    });

  return {
    status: () => call({ method: "status", args: [] }),
    admit: (...args) => call({ method: "admit", args }),
    load: (...args) => call({ method: "load", args }),
    unload: (...args) => call({ method: "unload", args }),
    models: () => call({ method: "models", args: [] }),
    pull: (...args) => call({ method: "pull", args }),
    pause: (...args) => call({ method: "pause", args }),
    remove: (...args) => call({ method: "remove", args }),
    tokenise: (...args) => call({ method: "tokenise", args }),
    detokenise: (...args) => call({ method: "detokenise", args }),

    generate(request) {
      let id = 0;
      let arrived = 0;
      let wake: (() => void) | undefined;
      return new ReadableStream<TokenEvent>(
        {
          start(controller) {
            id = open(
              (id) => ({ type: "generate", id, request, credits: WINDOW }),
              (answer) => {
                if (answer.type === "event") {
                  arrived++;
                  controller.enqueue(answer.event);
                } else {
                  pending.delete(answer.id);
                  if (answer.type === "fail") controller.error(VaultError.fromWire(answer.error));
                  else controller.close();
                }
                wake?.();
              },
            );
          },
          // Called when everything that arrived has been read: give its credits back, then wait for more.
          pull() {
            if (arrived >= WINDOW / 2) {
              send({ type: "credit", id, credits: arrived });
              arrived = 0;
            }
            return new Promise<void>((resolve) => {
              wake = resolve;
            });
          },
          cancel() {
            pending.delete(id);
            send({ type: "cancel", id });
          },
        },
        { highWaterMark: 0 },
      );
    },

    disconnect(why) {
      gone = why?.toWire() ?? ENGINE_GONE;
      for (const [id, receive] of [...pending]) receive({ type: "fail", id, error: gone });
      port.close();
    },
  };
}

const ENGINE_GONE = {
  code: "engine-absent",
  detail: "The page that hosted the engine was closed. Send the request again.",
} as const;
