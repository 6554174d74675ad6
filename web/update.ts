import type { Workbox } from "workbox-window";
import { STREAMS_LOCK, type SwToPage } from "../core/protocol.ts";

/** `waiting` for answers to end, `updating` when there are none. */
export type UpdateState = "none" | "ready" | "waiting" | "updating";

/** The least time between two questions to the server whether there is a new version. */
const CHECK_MS = 3_600_000;

/** The waiting worker may be stopped, and forgets then that it was asked. */
const ASK_AGAIN_MS = 10_000;

/** What this page knows about a new version of itself. Emits `change`. */
class Updates extends EventTarget {
  #state: UpdateState = "none";
  #workbox: Workbox | undefined;
  #registration: ServiceWorkerRegistration | undefined;
  #checkedMs = Date.now();
  /** Somebody shows the state. */
  #shown = false;
  #unanswered: MessagePort[] = [];

  get state(): UpdateState {
    return this.#state;
  }

  /** Call it before anything is awaited: what a worker asks must find a listener once the page has loaded. */
  start(): void {
    const { serviceWorker } = navigator;
    let { controller } = serviceWorker;
    let reloading = false;
    serviceWorker.addEventListener("controllerchange", () => {
      const before = controller;
      controller = serviceWorker.controller;
      // A first claim is no update. A page never goes on with a worker of another version.
      if (!before || reloading) return;
      reloading = true;
      location.reload();
    });
    serviceWorker.addEventListener("message", ({ data, ports }: MessageEvent<SwToPage>) => {
      if (data.type !== "are-you-working") return;
      this.#unanswered.push(...ports);
      this.#answer();
    });
  }

  /** `registration`: of this `workbox`. */
  watch(workbox: Workbox, registration: ServiceWorkerRegistration): void {
    this.#workbox = workbox;
    this.#registration = registration;
    // Not workbox's `waiting`: it misses a worker that was installing at load, and all after the first found later.
    const follow = () => registration.installing?.addEventListener("statechange", () => this.#look());
    registration.addEventListener("updatefound", follow);
    follow();
    this.#look();
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible" && Date.now() - this.#checkedMs > CHECK_MS) void this.#check();
    });
    window.addEventListener("online", () => void this.#check());
    this.#answer();
  }

  /** From now on the update can be offered, so that the page counts as one that works. */
  show(): void {
    this.#shown = true;
    this.#answer();
  }

  /** All pages reload when the new worker takes over, which it does when no answer is being streamed. */
  async install(): Promise<void> {
    if (!this.#registration?.waiting) return location.reload();
    const { held = [] } = await navigator.locks.query();
    this.#set(held.some(({ name }) => name === STREAMS_LOCK) ? "waiting" : "updating");
    this.#workbox?.messageSkipWaiting();
    setTimeout(() => void this.install(), ASK_AGAIN_MS);
  }

  async #check(): Promise<void> {
    this.#checkedMs = Date.now();
    await this.#workbox?.update().catch(() => {}); // no connection: the next occasion will do
    this.#look();
  }

  #look(): void {
    // At the first visit a worker waits for a moment as well, but for nobody.
    if (this.#state === "none" && this.#registration?.active && this.#registration.waiting) this.#set("ready");
  }

  /** With the script that the page runs: the worker knows whether it is one of its own. */
  #answer(): void {
    if (!this.#registration || !this.#shown) return;
    const script = document.querySelector<HTMLScriptElement>("script[type=module][src]")?.src;
    for (const port of this.#unanswered.splice(0)) port.postMessage(script ?? "");
  }

  #set(state: UpdateState): void {
    this.#state = state;
    this.dispatchEvent(new Event("change"));
  }
}

/** One for the page, as is its service worker. */
export const updates = new Updates();
