import { readFileSync } from "node:fs";
import { API_CONTRACT } from "../contract/api-contract.ts";
import { bundlePath } from "./bundle.ts";
import { expect, test } from "./harness.ts";

declare const runContractCase: (name: string) => Promise<string>;

for (const { name } of API_CONTRACT) {
  test(`in the built app: ${name}`, async ({ vault }) => {
    await vault.evaluate(readFileSync(bundlePath("contract.js"), "utf8"));
    expect(await vault.evaluate((name) => runContractCase(name), name)).toBe("ok");
  });
}
