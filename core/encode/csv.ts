/**
 * One line, as RFC 4180 has it. A text that a spreadsheet would take for a formula, also behind spaces or in the wide
 * signs of East Asian keyboards, one that begins with a control character, and one that a reader would take for a list,
 * get an apostrophe in front, and so does one that has one already: whoever reads takes one away.
 * Nothing is `null`, `""` is an empty text. https://owasp.org/www-community/attacks/CSV_Injection
 */
export const csvLine = (values: readonly unknown[]): string => `${values.map(cell).join(",")}\r\n`;

const SPECIAL = /^(?:[\p{C}'[{]|\s*[=+\-@＝＋－＠﹦﹢﹣﹫])/u;

function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value !== "string") return quoted(JSON.stringify(value));
  if (value === "") return '""';
  return quoted(SPECIAL.test(value) ? `'${value}` : value);
}

/** Also what some readers take for the end of a line. */
const quoted = (text: string): string =>
  /[",\p{C}\u2028\u2029]|^\s|\s$/u.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
