/**
 * Scrolls to the element that the address names, now and whenever that changes: a browser does not look for it in a
 * shadow tree, https://html.spec.whatwg.org/multipage/browsing-the-web.html#find-a-potential-indicated-element.
 */
export function followFragment(root: ShadowRoot): void {
  const go = () => {
    const target = root.getElementById(location.hash.slice(1));
    target?.scrollIntoView();
    target?.focus({ preventScroll: true });
  };
  window.addEventListener("hashchange", go);
  go();
}
