import { fileURLToPath } from "node:url";
import { buildSite } from "./build-site.ts";
import { configFrom } from "./config-from-env.ts";
import { serveSite } from "./site-server.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

try {
  const port = Number(process.env["PORT"] ?? 8000);
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new Error(`PORT is ${process.env["PORT"]}, no port.`);
  configFrom(process.env); // what is wrong is said before a build is waited for
  const folder = await buildSite(root);
  const { url } = await serveSite({ folder, port, env: process.env });
  console.log(`MiniVault is at ${url}`);
} catch (cause) {
  console.error(cause instanceof Error ? cause.message : cause);
  process.exitCode = 1;
}
