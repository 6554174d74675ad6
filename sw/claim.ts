declare const self: ServiceWorkerGlobalScope;

/**
 * Takes control of the pages that are open. Nobody waits until that has happened: in Firefox 153 on a busy machine the
 * promise sometimes never settles, though the pages are controlled. An activation that waited for it held up every
 * request of a first visit for a minute, and some of them failed then (measured).
 */
export function claimPages(): void {
  self.clients.claim().catch(() => {}); // another version has taken over
}
