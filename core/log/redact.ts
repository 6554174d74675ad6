import { FINDERS, type Finding, LONGEST, matchesOf, type PrivateKind } from "./find-private.ts";

/** What of a text is not stored. */
export interface RedactionRules {
  readonly kinds: readonly PrivateKind[];
  /** Regular expressions, as of `new RegExp(pattern, "gu")`. */
  readonly patterns: readonly string[];
}

export interface Redactor {
  /** The text with a word like `[email]` in place of each finding. */
  redact(text: string): Redacted;
  /** The same of the beginning of a text that still grows, as far as nothing behind it can change it. */
  settled(text: string): string;
}

interface Redacted {
  readonly text: string;
  readonly findings: number;
}

/** `null` where there is nothing to look for. */
export function createRedactor({ kinds, patterns }: RedactionRules): Redactor | null {
  if (kinds.length === 0 && patterns.length === 0) return null;
  const own = patterns.map((pattern) => new RegExp(pattern, "gu"));

  const find = (text: string): Finding[] => {
    const found = [
      ...own.flatMap((pattern) => [...matchesOf(pattern, text)].map((place) => ({ ...place, kind: "redacted" }))),
      ...kinds.flatMap((kind) => [...FINDERS[kind](text)].map((place) => ({ ...place, kind }))),
    ];
    return joined(found);
  };
  return {
    redact: (text) => {
      const findings = find(text);
      return { text: replaceAll(text, findings), findings: findings.length };
    },
    settled: (text) => {
      const findings = find(text);
      const end = text.length - LONGEST;
      const open = findings.find((finding) => finding.end > end);
      const until = Math.max(0, Math.min(end, open?.start ?? end));
      return replaceAll(
        text.slice(0, until),
        findings.filter((finding) => finding.end <= until),
      );
    },
  };
}

/** Findings that overlap are one, of the kind that begins first. */
function joined(findings: readonly Finding[]): Finding[] {
  const whole: Finding[] = [];
  for (const finding of findings.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    const last = whole.at(-1);
    if (last && finding.start < last.end) whole[whole.length - 1] = { ...last, end: Math.max(last.end, finding.end) };
    else whole.push(finding);
  }
  return whole;
}

function replaceAll(text: string, findings: readonly Finding[]): string {
  let from = 0;
  let redacted = "";
  for (const { kind, start, end } of findings) {
    redacted += `${text.slice(from, start)}[${kind}]`;
    from = end;
  }
  return redacted + text.slice(from);
}
