import * as aiSdk from "./ai-sdk.ts";
import * as ollama from "./ollama.ts";
import * as openai from "./openai.ts";
import * as plainFetch from "./plain-fetch.ts";

/** What people ask the API with, as one script of a page. Each file reads as a list of examples. */
const clients = { openai, ollama, aiSdk, plainFetch };
export type Clients = typeof clients;

Object.assign(globalThis, { clients });
