/**
 * One line, as RFC 4180 has it. A text that a spreadsheet would take for a formula, or a reader for a list, gets an
 * apostrophe in front, and so does one that has one already: whoever reads takes one away.
 * Nothing is `null`, `""` is an empty text. https://owasp.org/www-community/attacks/CSV_Injection
 */
export const csvLine = (values: readonly unknown[]): string => `${values.map(cell).join(",")}\r\n`;

function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value !== "string") return quoted(JSON.stringify(value));
  if (value === "") return '""';
  return quoted(/^[=+\-@\t\r\n'[{]/.test(value) ? `'${value}` : value);
}

const quoted = (text: string): string => (/[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
