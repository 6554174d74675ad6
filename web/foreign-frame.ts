/** Left by a visit in a tab of its own. */
const VISITED = "minivault-visited";

/**
 * Whether a page of another origin frames this one where it sees what its user did in a tab: somebody could be made to
 * click on what they do not see. Another site's frame has storage of its own, so there is nothing to lose. A page of the
 * same site, such as one at another port, shares it in Chromium and Firefox (measured).
 * https://developer.mozilla.org/docs/Web/Privacy/Guides/State_Partitioning
 */
export function isForeignFrame(): boolean {
  try {
    if (isFramedByOthers()) return localStorage.getItem(VISITED) !== null;
    localStorage.setItem(VISITED, "yes");
  } catch {} // storage is denied or full
  return false;
}

/** In place of the page. */
export function showLinkToTab(): void {
  const link = document.createElement("a");
  Object.assign(link, {
    href: location.href,
    target: "_blank",
    rel: "noopener",
    textContent: "Open it in a tab of its own",
  });
  const why = document.createElement("p");
  why.className = "link-to-tab";
  why.append(
    "A page of another origin shows MiniVault here, and could have you click on what you do not see. ",
    link,
    ".",
  );
  document.body.replaceChildren(why);
}

function isFramedByOthers(): boolean {
  for (let frame: Window = window; frame !== frame.parent; frame = frame.parent) {
    try {
      void frame.parent.location.href; // throws for another origin
    } catch {
      return true;
    }
  }
  return false;
}
