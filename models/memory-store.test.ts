import { describe, expect, test } from "vitest";
import { FILE_STORE_CONTRACT } from "../tests/contract/file-store-contract.ts";
import { checkAnySequence } from "../tests/contract/file-store-property.ts";
import { createMemoryStore } from "./memory-store.ts";
import { openStore } from "./open-store.ts";

describe("the contract of stores, in memory", () => {
  const store = createMemoryStore();
  test.each(FILE_STORE_CONTRACT)("$name", ({ run }) => run(async () => store));
});

test("any sequence of steps leaves what it should", () => {
  const store = createMemoryStore();
  return checkAnySequence(async () => store, 200);
});

test("where nothing can be stored, `openStore()` keeps files for this visit and says why", async () => {
  const { store, reason } = await openStore(); // Node has neither of both
  expect(store.kind).toBe("memory");
  expect(reason).toMatch(
    /^This browser keeps no files for this page \(.+; .+\), so models are .*\. Open the page .*\.$/,
  );
});
