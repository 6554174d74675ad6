import { expect, test } from "vitest";
import { whyTooLarge } from "./fit.ts";

const gpu = { shaderF16: true, maxTensorBytes: 256 * 2 ** 20 };
const model = (weightsBytes: number, largestTensorBytes = 0) => ({ name: "m", weightsBytes, largestTensorBytes });

test.each([
  ["an 8-bit distilgpt2 on a phone", model(85e6, 50257 * 768), null, 2, null],
  [
    "600 MB on a device of 2 GiB",
    model(600e6),
    null,
    2,
    "m takes 1.1 GiB of memory while it loads, and this device has 2 GiB in all",
  ],
  ["600 MB where nobody says how much there is", model(600e6), null, undefined, null],
  ["600 MB where there is as much as browsers name", model(600e6), gpu, 8, null],
  [
    "2 GB on the CPU",
    model(2e9),
    null,
    undefined,
    "m takes 3.7 GiB of memory while it loads, and a page can use 3.5 GiB on the CPU",
  ],
  ["2 GB on the GPU", model(2e9), gpu, undefined, null],
  [
    "embeddings that are too large for the GPU",
    model(600e6, 300e6),
    gpu,
    8,
    "the GPU holds 0.3 GiB in one piece, and m has one of 0.3 GiB",
  ],
])("`whyTooLarge()`: %s", (_, footprint, on, memoryGiB, why) => {
  expect(whyTooLarge(footprint, on, memoryGiB)).toBe(why);
});
