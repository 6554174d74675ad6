/** Runs inside a page; `probe-sw.js` is served beside it. What this browser has of what the app can use. */
export async function probeFeatures() {
  const works = async (attempt: () => unknown): Promise<boolean> => {
    try {
      return !!(await attempt());
    } catch {
      return false;
    }
  };
  const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<object | null> } };
  return {
    webgpu: await works(() => gpu?.requestAdapter()),
    threads: await works(
      () => new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer instanceof SharedArrayBuffer,
    ),
    jspi: "Suspending" in WebAssembly,
    locks: await works(() => navigator.locks.request("probe", () => true)),
    opfs: await works(() => navigator.storage.getDirectory()),
    quota: await works(() => navigator.storage.estimate()),
    transferableStreams: await works(() => {
      const stream = new ReadableStream();
      return structuredClone(stream, { transfer: [stream] });
    }),
    staticRoutes: await works(async () => {
      const registration = await navigator.serviceWorker.register("/probe-sw.js", { scope: "/probe/" });
      const worker = registration.installing ?? registration.waiting ?? registration.active;
      const { port1, port2 } = new MessageChannel();
      const answer = new Promise((resolve) => port1.addEventListener("message", ({ data }) => resolve(data)));
      port1.start();
      worker?.postMessage(null, [port2]);
      const has = await answer;
      await registration.unregister();
      return has;
    }),
  };
}

export type Features = Awaited<ReturnType<typeof probeFeatures>>;

const NAMES: { readonly [name in keyof Features]: string } = {
  webgpu: "a WebGPU adapter (on the test machine)",
  threads: "threads for WASM (`SharedArrayBuffer`)",
  jspi: "JSPI",
  locks: "Web Locks",
  opfs: "the origin's private file system",
  quota: "an estimate of the storage",
  transferableStreams: "streams that can be transferred",
  staticRoutes: "static routes of a service worker",
};

/** As Markdown, a column each. */
export function featureTable(measured: ReadonlyArray<{ readonly title: string; readonly features: Features }>): string {
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    row(["", ...measured.map(({ title }) => title)]),
    row(["---", ...measured.map(() => "---")]),
    ...Object.entries(NAMES).map(([name, title]) =>
      row([title, ...measured.map(({ features }) => (features[name as keyof Features] ? "yes" : "no"))]),
    ),
  ].join("\n");
}
