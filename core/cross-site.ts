import { VaultError } from "./errors.ts";

/** Methods that change nothing: https://www.rfc-editor.org/rfc/rfc9110#section-9.2.1 */
const SAFE = ["GET", "HEAD", "OPTIONS"];

export const isSafe = ({ method }: Pick<Request, "method">): boolean => SAFE.includes(method);

/**
 * Whether a script of the request's own origin sent it, or a program that is no browser. Others send forms, links and
 * elements only: a service worker hears of them as navigations, which do not say where they come from. Other hosts see
 * headers that no page can forge: https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
 */
export function isOwnScript({ url, mode, destination, headers }: Request): boolean {
  if (mode === "navigate" || destination || (headers.get("sec-fetch-dest") ?? "empty") !== "empty") return false;
  const sender = headers.get("sec-fetch-site") ?? headers.get("origin") ?? "none";
  return ["same-origin", "none", new URL(url).origin].includes(sender);
}

/** Throws if what the request asks for might not be wanted by the user of this origin. */
export function mustBeOwnScript(request: Request): void {
  if (isOwnScript(request)) return;
  throw new VaultError("cross-site", "Only a script of this origin may do this. Send it with fetch().");
}

/** Of every answer: nobody else embeds it, and whatever its text is, a browser neither guesses a type nor runs it. */
export const CONTAINED = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
  "cross-origin-resource-policy": "same-origin",
  "x-content-type-options": "nosniff",
};
