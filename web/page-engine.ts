import { createEngineLink, type EngineLink } from "../core/engine-link.ts";
import type { EngineHost } from "./engine-host.ts";

/** The engine of this page's own worker, which is started when it is asked for. */
export function linkToOwnWorker(host: EngineHost): EngineLink {
  const link = createEngineLink({ askForPort: host.requestPort, reportStuck: host.reportStuck });
  host.serve(link);
  return link;
}
