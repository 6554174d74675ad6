/** Where in a text something stands that is somebody's own. `end` is behind it. */
export interface Finding {
  readonly kind: string;
  readonly start: number;
  readonly end: number;
}

type Finder = (text: string) => Iterable<Omit<Finding, "kind">>;

/** No finding is longer, but for those of a site's own patterns. All is bounded: a long text takes linear time. */
export const LONGEST = 256;

export const FINDERS = {
  iban: ibansIn,
  card: cardsIn,
  email: (text) => matchesOf(/[\p{L}\p{N}._%+'-]{1,64}@[\p{L}\p{N}-]{1,40}(?:\.[\p{L}\p{N}-]{1,40}){1,3}/gu, text),
  phone: phonesIn,
} satisfies Readonly<Record<string, Finder>>;

export type PrivateKind = keyof typeof FINDERS;
export const PRIVATE_KINDS = Object.keys(FINDERS) as readonly PrivateKind[];

export function* matchesOf(pattern: RegExp, text: string): Iterable<Omit<Finding, "kind">> {
  for (const match of text.matchAll(pattern)) {
    if (match[0].length > 0) yield { start: match.index, end: match.index + match[0].length };
  }
}

/** In groups of digits that stand side by side, those that make 13 to 19 digits with a check digit. */
function* cardsIn(text: string): Iterable<Omit<Finding, "kind">> {
  for (const run of text.matchAll(/\d+(?:[ -]\d+)*/g)) {
    const groups = [...run[0].matchAll(/\d+/g)];
    for (let first = 0; first < groups.length; first++) {
      let digits = "";
      for (let last = first; last < groups.length && digits.length < 19; last++) {
        digits += groups[last]![0];
        if (!/^[2-6]\d{12,18}$/.test(digits) || !passesLuhn(digits)) continue;
        const start = run.index + groups[first]!.index;
        yield { start, end: run.index + groups[last]!.index + groups[last]![0].length };
        first = last;
        break;
      }
    }
  }
}

/** ISO/IEC 7812-1, annex B. */
function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let place = 1; place <= digits.length; place++) {
    const value = Number(digits.at(-place)) * (place % 2 === 0 ? 2 : 1);
    sum += value > 9 ? value - 9 : value;
  }
  return sum % 10 === 0;
}

function* ibansIn(text: string): Iterable<Omit<Finding, "kind">> {
  for (const { index: start } of text.matchAll(/(?<![\p{L}\p{N}])[a-z]{2}\d{2}/giu)) {
    const candidate = /^[a-z]{2}\d{2}(?: ?[a-z\d]){11,30}/i.exec(text.slice(start, start + LONGEST))?.[0] ?? "";
    for (let end = candidate.length; end > 0; end--) {
      const isWhole = !/[\p{L}\p{N}]/u.test(text[start + end] ?? "");
      if (isWhole && passesMod97(candidate.slice(0, end))) {
        yield { start, end: start + end };
        break;
      }
    }
  }
}

/** ISO 13616-1, and ISO/IEC 7064 MOD 97-10. */
function passesMod97(iban: string): boolean {
  const compact = iban.replaceAll(" ", "");
  if (compact.length < 15) return false;
  let rest = 0;
  for (const character of compact.slice(4) + compact.slice(0, 4)) {
    const value = Number.parseInt(character, 36); // a letter is two digits
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest === 1;
}

/** With a prefix (`+49 …`, `0049 …`, `030 …`, `(0)…`), or three, three and four digits as in North America. */
const PHONE =
  /(?<![\p{L}\p{N}.,/-])(?:(?:\+\d|\(\+?\d|0\d)(?:[ ./()-]{0,3}\d){5,14}|(?:1[ .-])?\(?\d{3}\)?[ .-]{1,2}\d{3}[ .-]\d{4})(?![\p{L}\p{N}])/gu;
const DATE = /^\d{1,4}([./-])\d{1,2}\1\d{1,4}$/;

function* phonesIn(text: string): Iterable<Omit<Finding, "kind">> {
  for (const { start, end } of matchesOf(PHONE, text)) {
    if (!DATE.test(text.slice(start, end))) yield { start, end };
  }
}
