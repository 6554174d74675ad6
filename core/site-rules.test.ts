import { expect, test } from "vitest";
import { DEFAULT_RULES, followRules, rulesOf } from "./site-rules.ts";

test("the rules of no file are the defaults: all is logged", () => {
  expect(rulesOf("{}")).toEqual(DEFAULT_RULES);
  expect(DEFAULT_RULES.log.level).toBe("full");
});

test("the rules of a wrong file name what is wrong, and log no texts", () => {
  expect(rulesOf('{"log": {"level": "some"}}')).toMatchObject({
    log: { level: "metadata" },
    wrong: { code: "bad-config" },
  });
  expect(rulesOf("nothing")).toMatchObject({ log: { level: "metadata" }, wrong: { code: "bad-config" } });
});

test("a change that an engine has kept holds from the next request on, and the server is asked only where nothing is kept", async () => {
  let kept: string | null = null;
  let reads = 0;
  const read = async () => {
    reads++;
    return "{}";
  };
  const rules = followRules({ kept: async () => kept, read });
  expect((await rules()).log.level).toBe("full");
  expect(await rules()).toBe(await rules()); // a rate limit goes on with what it has counted
  expect(reads).toBe(1);
  kept = '{"log": {"level": "none"}}';
  expect((await rules()).log.level).toBe("none");
  kept = "{";
  expect((await rules()).wrong).toMatchObject({ code: "bad-config" });
  kept = '{"max_waiting": 3}';
  expect(await rules()).toMatchObject({ maxWaiting: 3, wrong: null });
  expect(reads).toBe(1);
});
