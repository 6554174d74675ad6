import { VaultError } from "../core/errors.ts";

const forbidden = new Set<string>();

/** A request that the policy stops fails like one that nobody answers; this event is all that tells. Node has none. */
globalThis.addEventListener?.("securitypolicyviolation", (event) => {
  const { blockedURI, disposition } = event as SecurityPolicyViolationEvent;
  if (disposition === "enforce" && URL.canParse(blockedURI)) forbidden.add(new URL(blockedURI).origin);
});

/** The event may come after the request has failed. */
const EVENT_MS = 100;

/**
 * Why a request to this address has failed, if it was this site's content security policy that stopped it: there, or at
 * what it redirects to, which the browser does not tell. https://www.w3.org/TR/CSP3/#report-violation
 */
export async function whyForbidden(url: string): Promise<VaultError | null> {
  const { origin } = new URL(url);
  await new Promise((resolve) => setTimeout(resolve, EVENT_MS));
  if (!forbidden.delete(origin)) return null;
  return new VaultError(
    "model-unavailable",
    `This site's content security policy does not allow ${origin}, or the host that it redirects downloads to. Name that ` +
      "host in MINIVAULT_HUB, after the hub; on a static host in each connect-src of its headers.",
  );
}
