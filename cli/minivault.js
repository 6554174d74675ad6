#!/usr/bin/env node
// Node 20 cannot run TypeScript, and a command that is installed by name cannot be told to use `tsx`.
import { register } from "tsx/esm/api";

register();
await import("./minivault.ts");
