import { createServer, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface SiteProxy {
  readonly port: number;
  close(): Promise<void>;
}

interface ProxyOptions {
  /** Headers that the site sends and this one does not. */
  readonly without?: readonly string[];
  /** Headers that it adds. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Pages of its own, by path. */
  readonly pages?: Readonly<Record<string, string>>;
  /** How it answers by itself, by path; looked up at each request. */
  readonly answers?: Readonly<Record<string, (response: ServerResponse) => void>>;
  /** Scripts of its own. */
  readonly files?: Readonly<Record<string, string>>;
}

/** The site under another address, with other headers, or with pages beside it. */
export async function startProxy(
  siteUrl: string,
  { without = [], headers: more = {}, pages = {}, files = {}, answers = {} }: ProxyOptions,
): Promise<SiteProxy> {
  const server = createServer((incoming, response) => {
    const path = incoming.url ?? "/";
    const page = pages[path];
    if (page !== undefined) return response.setHeader("content-type", "text/html").end(page);
    const file = files[path];
    if (file !== undefined) return response.setHeader("content-type", "text/javascript").end(file);
    const answer = answers[path];
    if (answer) return answer(response);
    const outgoing = request(new URL(path, siteUrl), { method: incoming.method }, (answer) => {
      const headers = Object.entries(answer.headers).filter(([name]) => !without.includes(name));
      response.writeHead(answer.statusCode ?? 500, { ...Object.fromEntries(headers), ...more });
      answer.pipe(response);
    });
    outgoing.on("error", () => response.destroy());
    incoming.pipe(outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
