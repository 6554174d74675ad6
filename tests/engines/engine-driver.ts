/** What a suite needs of a browser, whichever protocol drives it. */
export interface EngineDriver {
  readonly name: "Chromium" | "Firefox" | "WebKitGTK";
  /** Whether what pages have stored is there after `restart()`. */
  readonly keepsProfile: boolean;
  /** Starts the browser with an empty profile of its own. */
  launch(): Promise<EngineBrowser>;
}

export interface EngineBrowser {
  readonly version: string;
  /** Opens a page beside the others, in the same profile. Resolves when it has loaded. */
  newTab(url: string): Promise<Tab>;
  /** Ends the browser, with all its tabs, and starts it again. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** What differs between the protocols. None of them is stopped by the page's policy. */
export interface RawTab {
  /** What the expression promises, as JSON has it. Rejects if it throws. */
  expression(source: string): Promise<unknown>;
  reload(): Promise<void>;
  close(): Promise<void>;
}

export interface Tab extends RawTab {
  /**
   * Runs a function in the page and waits for what it promises. It crosses as source text, its arguments and result as
   * JSON: what it needs has to be handed in.
   */
  evaluate<Args extends readonly unknown[], T>(fn: (...args: Args) => T | Promise<T>, ...args: Args): Promise<T>;
  /** Runs a classic script. */
  run(script: string): Promise<void>;
}

export const tabOf = (raw: RawTab): Tab => ({
  ...raw,
  evaluate: async <Args extends readonly unknown[], T>(fn: (...args: Args) => T | Promise<T>, ...args: Args) =>
    (await raw.expression(`(${fn})(...${JSON.stringify(args)})`)) as T,
  async run(script) {
    await raw.expression(`(() => {\n${script}\n})()`);
  },
});
