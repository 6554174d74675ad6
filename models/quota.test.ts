import { expect, test } from "vitest";
import { isQuotaExceeded, storageFull } from "./quota.ts";

test("`storageFull()` says how much is needed, how much there is, and what to do", () => {
  const error = storageFull("gpt2", 165_000_001, 39_999_999);
  expect(error.code).toBe("storage-full");
  expect(error.message).toBe(
    "gpt2 needs 166 MB more, and the browser has room for 39 MB. " +
      "Delete models that are not needed, or free disk space, then try again: what is here already is kept.",
  );
  expect(storageFull("gpt2", 5e6, null).message).toMatch(
    /^gpt2 needs 5 MB more, and the browser has no room for it\. /,
  );
});

test("`isQuotaExceeded()` knows the error by its name, as some browsers have a class of their own for it", () => {
  expect(isQuotaExceeded(new DOMException("", "QuotaExceededError"))).toBe(true);
  expect(isQuotaExceeded(new DOMException("", "UnknownError"))).toBe(false);
});
