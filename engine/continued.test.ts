import { test } from "vitest";
import { checkContinued } from "../tests/contract/continued-property.ts";
import { embeddedModel } from "../tests/fixtures/node-model.ts";

test("an answer that is continued after any of its tokens is what it would have been", async () => {
  await checkContinued(await embeddedModel.load(), 60);
});
