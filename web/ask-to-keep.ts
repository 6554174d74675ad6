/** That the browser deletes nothing of this origin when the disk is full. It may refuse, and pages alone may ask. */
export function askToKeep(): void {
  void navigator.storage?.persist?.().catch(() => {});
}
