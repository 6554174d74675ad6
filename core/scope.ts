import { isRoute } from "./routing.ts";

/**
 * Whether the API answers this request. Decided synchronously, so that everything else goes to the network without
 * ever entering `respondWith`.
 *
 * @param wholeOrigin also answer (with a 404 that says so) what no route takes: right where behind the page there
 *   is nothing but files. A request for a file has a dot in its last segment, or comes from an element.
 */
export function isApiRequest(request: Request, base: URL, wholeOrigin: boolean): boolean {
  const { origin, pathname } = new URL(request.url);
  if (origin !== base.origin || !pathname.startsWith(base.pathname)) return false;
  const path = pathname.slice(base.pathname.length - 1);
  if (isRoute(path, request)) return true;
  if (!wholeOrigin) return false;
  if (request.method !== "GET" && request.method !== "HEAD") return true;
  return request.destination === "" && request.mode !== "navigate" && path !== "/" && !/\.[^/]*$/.test(path);
}
