import { asVaultError, problemDetails } from "../core/errors.ts";
import { isApiRequest } from "../core/scope.ts";

/** The API's handler in this page. */
export type Answer = (request: Request, client?: string) => Promise<Response>;

export interface ApiScope {
  /** Where the routes start. */
  readonly base: URL;
  /** Answer unknown routes as well: see `isApiRequest`. */
  readonly wholeOrigin: boolean;
}

/**
 * Holds this page's requests for the API until the way is known: a handler in this page, or `null`, the browser's own
 * `fetch`, which a service worker then answers. Everything else passes untouched. Returns a function that ends it.
 */
export function wrapFetch({ base, wholeOrigin }: ApiScope, way: () => Promise<Answer | null>): () => void {
  const original = window.fetch;
  let ended = false;

  const isOurs = (input: RequestInfo | URL, init: RequestInit = {}): boolean => {
    if (ended) return false;
    try {
      const { url, method, headers } = input instanceof Request ? input : { url: input, method: "GET", headers: [] };
      const asked = { method: init.method ?? method, headers: init.headers ?? [...headers] };
      return isApiRequest(new Request(url, asked), base, wholeOrigin);
    } catch {
      return false; // no request at all: `fetch` itself says why
    }
  };

  const answer = async (request: Request): Promise<Response> => {
    let handler: Answer | null;
    try {
      handler = await orAbort(way(), request.signal);
    } catch (cause) {
      request.signal.throwIfAborted();
      const error = asVaultError(cause);
      return Response.json(problemDetails(error.toWire()), { status: error.status });
    }
    return handler ? answerHere(handler, request) : original.call(window, request);
  };

  const wrapped: typeof fetch = (input, init) => {
    if (!isOurs(input, init)) return original.call(window, input, init);
    try {
      return answer(new Request(input, init));
    } catch (cause) {
      return Promise.reject(cause);
    }
  };
  window.fetch = wrapped;

  return () => {
    ended = true; // somebody may have wrapped it again
    if (window.fetch === wrapped) window.fetch = original;
  };
}

/** As `fetch` does it: an abort ends the answer wherever it is, and the engine with it. */
async function answerHere(handler: Answer, request: Request): Promise<Response> {
  const { signal, url } = request;
  if (!request.headers.has("accept")) request.headers.set("accept", "*/*");
  const answered = handler(request, "page");
  let response: Response;
  try {
    response = await orAbort(answered, signal);
  } catch (cause) {
    answered.then(({ body }) => body?.cancel()).catch(() => {});
    throw cause;
  }
  if (response.body) response = new Response(response.body.pipeThrough(new TransformStream(), { signal }), response);
  return Object.defineProperty(response, "url", { value: url });
}

function orAbort<T>(result: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    result.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
