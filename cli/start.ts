import { fileURLToPath } from "node:url";
import { buildSite } from "./build-site.ts";
import { serveSite } from "./site-server.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

try {
  const folder = await buildSite(root);
  const { url } = await serveSite({ folder, port: Number(process.env["PORT"] ?? 8000), env: process.env });
  console.log(`MiniVault is at ${url}`);
} catch (cause) {
  console.error(cause instanceof Error ? cause.message : cause);
  process.exitCode = 1;
}
