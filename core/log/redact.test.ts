import fc from "fast-check";
import { expect, test } from "vitest";
import { PRIVATE_KINDS } from "./find-private.ts";
import { createRedactor } from "./redact.ts";

const ALL = createRedactor({ kinds: PRIVATE_KINDS, patterns: ["AB-\\d{4}"] })!;

test.each([
  ["Write to Jane.Doe+x@mail.example.co.uk.", "Write to [email]."],
  ["jörg@müller.de, o'neil@example.com", "[email], [email]"],
  // Test numbers that the card networks publish.
  ["4111 1111 1111 1111, 5555-5555-5555-4444", "[card], [card]"],
  ["378282246310005 and 30569309025904", "[card] and [card]"],
  ["order 1 4111 1111 1111 1111 7", "order 1 [card] 7"],
  ["4111 1111 1111 1112", "4111 1111 1111 1112"],
  // Examples of the IBAN registry.
  ["DE89 3704 0044 0532 0130 00 and so on", "[iban] and so on"],
  ["pay gb29nwbk60161331926819, NO9386011117947", "pay [iban], [iban]"],
  ["at12 of them went to DE89370400440532013000.", "at12 of them went to [iban]."],
  ["GB28 NWBK 6016 1331 9268 19", null],
  // Numbers that are kept free for stories.
  ["Call +49 30 23125 000 or (202) 555-0136, 1-202-555-0136", "Call [phone] or [phone], [phone]"],
  ["0044 20 7946 0958; 020 7946 0958; +1.202.555.0136; 01 23 45 67 89", "[phone]; [phone]; [phone]; [phone]"],
  ["the 2026-11-22, the 01.02.2026, 12:30:00, 0.12345678, 3.14159265, 192.168.0.1, 1234567", null],
  ["contract AB-1234, not AB-12", "contract [redacted], not AB-12"],
])("of %j is stored %j", (text, stored) => {
  expect(ALL.redact(text).text).toBe(stored ?? text);
});

test("nothing is looked for that was not asked for", () => {
  expect(createRedactor({ kinds: [], patterns: [] })).toBeNull();
  expect(createRedactor({ kinds: ["card"], patterns: [] })?.redact("a@b.de 4111111111111111")).toEqual({
    text: "a@b.de [card]",
    findings: 1,
  });
});

const SECRETS = ["jane.doe@example.com", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00", "+49 30 23125 000"];
const WORDS = fc.array(fc.oneof(fc.constantFrom(...SECRETS), fc.lorem({ maxCount: 60 })), { maxLength: 12 });

test("no secret is in what is stored, and the rest stays as it is", () => {
  fc.assert(
    fc.property(WORDS, (words) => {
      const text = words.join("; ");
      const { text: redacted, findings } = ALL.redact(text);
      for (const secret of SECRETS) expect(redacted).not.toContain(secret);
      expect(findings).toBe(words.filter((word) => SECRETS.includes(word)).length);
      const kindsOf = { j: "[email]", "4": "[card]", D: "[iban]", "+": "[phone]" };
      const expected = words.map((word) => (SECRETS.includes(word) ? kindsOf[word[0] as keyof typeof kindsOf] : word));
      expect(redacted).toBe(expected.join("; "));
    }),
  );
});

test("what is settled of a text that grows is never taken back, and has no part of a secret", () => {
  fc.assert(
    fc.property(WORDS, fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }), (words, steps) => {
      const text = words.join("; ");
      let told = "";
      for (let end = 0, step = 0; end < text.length; end += steps[step++ % steps.length]!) {
        const settled = ALL.settled(text.slice(0, end));
        expect(settled.startsWith(told)).toBe(true);
        told = settled;
      }
      expect(ALL.redact(text).text.startsWith(told)).toBe(true);
    }),
  );
});

test("a long text in which nearly all begins a finding has none, and is soon through", () => {
  const texts = [
    "a".repeat(1e5),
    "1 ".repeat(5e4),
    "a@".repeat(5e4),
    "+1".repeat(5e4),
    "de89 ".repeat(2e4),
    "0 ".repeat(5e4),
  ];
  for (const text of texts) expect(ALL.redact(text)).toEqual({ text, findings: 0 });
});
