import type { Dialect } from "./dialect.ts";
import { minivault } from "./dialects/minivault.ts";
import { ollama, wantsPlainText } from "./dialects/ollama.ts";
import { openai } from "./dialects/openai.ts";
import { operations } from "./dialects/operations.ts";

/** A new dialect is a line here. */
export const DIALECTS: readonly Dialect[] = [minivault, openai, ollama, operations];

/** Whose words an error at this path is told in. It starts with a slash, below where the routes start. */
export const dialectOf = (path: string, dialects = DIALECTS): Dialect =>
  dialects
    .filter(({ prefix }) => path.startsWith(prefix))
    .reduce((a, b) => (b.prefix.length > a.prefix.length ? b : a));

const PATTERNS = DIALECTS.flatMap(({ routes }) => routes).map(({ path }) => {
  const pattern = path.replace(/[.]/g, "\\$&").replace(/:\w+(\{.*\})?$/, ".+");
  return new RegExp(`^${pattern}$`);
});

/** Whether a route takes this path. The root is the page's, but for those who ask for nothing but plain text. */
export function isRoute(path: string, request: Request): boolean {
  if (path === "/") return request.mode !== "navigate" && wantsPlainText(request);
  return PATTERNS.some((pattern) => pattern.test(path));
}
