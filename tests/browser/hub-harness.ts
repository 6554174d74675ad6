import { type Hub, startHub } from "../fixtures/hub.ts";
import { test as base } from "./harness.ts";

interface HubFixtures {
  readonly hub: Hub;
  readonly hubModel: string;
  readonly device: string;
  readonly residents: number;
}

/** The catalogue knows the hashes of the real files, which the stand-in does not have: its own tree tells. */
const STAND_INS = [{ name: "distilgpt2", repo: "Xenova/distilgpt2", revision: "main" }];

/** A site whose models come from a stand-in for the hub. */
export const test = base.extend<HubFixtures>({
  hubModel: ["distilgpt2", { option: true }],
  device: ["auto", { option: true }],
  residents: [1, { option: true }],
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures that are needed from this pattern
  hub: async ({}, use) => {
    const hub = await startHub();
    await use(hub);
    await hub.close();
  },
  env: async ({ hub, hubModel, device, residents }, use) =>
    use({
      MINIVAULT_HUB: hub.url,
      MINIVAULT_MODEL: hubModel,
      MINIVAULT_MODELS: JSON.stringify(STAND_INS),
      MINIVAULT_DEVICE: device,
      MINIVAULT_RESIDENT_MODELS: `${residents}`,
    }),
});
