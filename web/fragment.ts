/**
 * Scrolls to the element that the address names, now and whenever that changes: a browser does not look for it in a
 * shadow tree, https://github.com/whatwg/html/issues/3190.
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
