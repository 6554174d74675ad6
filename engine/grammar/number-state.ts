import { numberEnding } from "./number.ts";
import type { NumberShape } from "./shape.ts";
import type { State } from "./state.ts";

/** In a number, of which `written` is there. It ends where something else begins. */
export function numberState(shape: NumberShape, then: State, written = ""): State {
  return {
    ending: () => (numberEnding(written, shape) ?? "") + then.ending(),
    step(byte) {
      const longer = written + String.fromCharCode(byte);
      if (numberEnding(longer, shape) !== null) return numberState(shape, then, longer);
      return numberEnding(written, shape) === "" ? then.step(byte) : null;
    },
  };
}
