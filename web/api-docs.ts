import { isForeignFrame, showLinkToTab } from "./foreign-frame.ts";
import { isolateOnce } from "./isolation.ts";
import { focusExisting } from "./launch.ts";
import { startVault } from "./lib.ts";
import "./ui/update-notice.ts";
import viewerCss from "./ui/api-viewer.css?inline";

const baseUrl = new URL("./", location.href);
const place = document.querySelector("#docs")!;

focusExisting();

async function showDocs(): Promise<void> {
  // The description is an answer of the API like any other, and so is whatever is tried out here.
  const vault = startVault({
    baseUrl,
    serviceWorkerUrl: new URL("sw.js", baseUrl),
    wholeOrigin: true,
    createWorker: () => new Worker(new URL("../engine/worker.ts", import.meta.url), { type: "module" }),
  });
  await isolateOnce(vault.ready());
  const [api, Viewer] = await Promise.all([readDescription(), loadViewer()]);
  const viewer = new Viewer();
  for (const name of HIDDEN) viewer.setAttribute(`hide-${name}`, "");
  viewer.setAttribute("use-path-in-nav-bar", "");
  viewer.setAttribute("default-schema-tab", "body"); // what Execute sends is in sight
  viewer.serverUrl = baseUrl.href; // wherever the app lives, and whatever the description says
  place.replaceChildren(viewer);
  await viewer.loadSpec(api);
}

/** There are no keys, and no other server; the schemas are shown where they are used. */
const HIDDEN = ["authentication", "server-selection", "components", "search"];

async function readDescription(): Promise<object> {
  const response = await fetch(new URL("openapi.json", baseUrl));
  if (!response.ok) throw new Error(`openapi.json cannot be read: the answer was ${response.status}. Reload the page.`);
  const api = await response.json();
  api.info["x-locale"] = "en"; // else the viewer speaks the browser's language around our English
  return api;
}

/** It is large, so it is not stored for offline use before it is asked for. */
async function loadViewer() {
  const { default: Viewer } = await import("openapi-explorer").catch((cause: unknown) => {
    throw new Error("The viewer is not stored yet. Open this page once with a connection.", { cause });
  });
  const style = new CSSStyleSheet();
  style.replaceSync(viewerCss);
  for (const name of COMPONENTS) (customElements.get(name) as LitClass).elementStyles.push(style);
  return Viewer;
}

/** Those parts of the viewer that have a shadow root of their own. Lit lays a class's styles into each. */
const COMPONENTS = ["openapi-explorer", "api-response", "schema-table", "syntax-highlighter", "json-tree"];
type LitClass = CustomElementConstructor & { readonly elementStyles: CSSStyleSheet[] };

if (isForeignFrame()) showLinkToTab();
else {
  showDocs().catch((cause: unknown) => {
    place.querySelector("[role=status]")!.textContent = cause instanceof Error ? cause.message : String(cause);
  });
}
