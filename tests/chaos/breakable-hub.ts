import { type Fault, type Hub, startHub } from "../fixtures/hub.ts";

export interface Outage {
  readonly fromMs: number;
  /** Infinity while it lasts. */
  readonly toMs: number;
}

export interface BreakableHub {
  readonly url: string;
  readonly outages: readonly Outage[];
  readonly isCut: boolean;
  /** `gone`: nobody listens. `silent`: nobody answers. `cut`: each connection breaks after a part of the weights. */
  cut(how: (typeof CUTS)[number]): Promise<void>;
  mend(): Promise<void>;
  close(): Promise<void>;
}

export const CUTS = ["gone", "silent", "cut"] as const;

/** A download takes two seconds, so that it can be befallen in its middle. */
const SLOWLY: Fault = { bytesPerSecond: 400_000 };
const CUT_AFTER_BYTES = 300_000;

/** The stand-in for the hub, at the same address whenever it is there. */
export async function startBreakableHub(): Promise<BreakableHub> {
  let hub: Hub | null = await startHub();
  const { url } = hub;
  hub.faults = [SLOWLY];
  const outages: Array<{ fromMs: number; toMs: number }> = [];
  const isCut = () => outages.at(-1)?.toMs === Number.POSITIVE_INFINITY;

  const close = async () => {
    const closed = hub;
    hub = null;
    await closed?.close();
  };
  return {
    url,
    outages,
    get isCut() {
      return isCut();
    },
    async cut(how) {
      if (isCut()) return;
      outages.push({ fromMs: Date.now(), toMs: Number.POSITIVE_INFINITY });
      if (how === "gone" || !hub) await close();
      else hub.faults = [how === "silent" ? { on: /./, silent: true } : { ...SLOWLY, cutAfter: CUT_AFTER_BYTES }];
    },
    async mend() {
      hub ??= await startHub(Number(new URL(url).port));
      hub.faults = [SLOWLY];
      const outage = outages.at(-1);
      if (outage && isCut()) outage.toMs = Date.now();
    },
    close,
  };
}
