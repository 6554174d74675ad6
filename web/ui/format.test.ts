import { expect, test } from "vitest";
import { formatBytes, formatProgress, formatTimeLeft } from "./format.ts";

test("`formatBytes()` keeps two or three digits and never counts a thousand of a unit", () => {
  expect([0, 802_000, 999_600, 4_396_861, 9_960_000, 85_000_000, 999_600_000, 11_200_000_000].map(formatBytes)).toEqual(
    ["0 kB", "802 kB", "1.0 MB", "4.4 MB", "10 MB", "85 MB", "1.0 GB", "11 GB"],
  );
});

test("`formatTimeLeft()` is as rough as what it tells", () => {
  expect([0.2, 21, 57.9, 61, 600, 7_000].map(formatTimeLeft)).toEqual([
    "a few seconds left",
    "25 s left",
    "60 s left",
    "2 min left",
    "10 min left",
    "2 h left",
  ]);
});

test("`formatProgress()` says what is known, and nothing else", () => {
  const half = { loadedBytes: 40e6, totalBytes: 85e6 };
  expect(formatProgress({ loadedBytes: 0, totalBytes: 0 }, 5)).toEqual([]);
  expect(formatProgress(half)).toEqual(["40 MB of 85 MB"]);
  expect(formatProgress(half, 2.1e6)).toEqual(["40 MB of 85 MB", "2.1 MB/s", "25 s left"]);
});
