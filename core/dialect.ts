import type * as v from "valibot";
import type { Encoding } from "./encode/encoding.ts";
import type { VaultError } from "./errors.ts";
import type { Exchange, Skip } from "./exchange.ts";
import type { LogSink } from "./log/log-record.ts";
import type { Engine, GenerateRequest } from "./protocol.ts";
import type { Pulls } from "./pull.ts";
import type { Queue } from "./queue.ts";

/** A way to speak to the API: its routes, and how it words an error. One file each; see docs/DIALECTS.md. */
export interface Dialect {
  /** In the log and in metrics. */
  readonly name: string;
  /** For people. */
  readonly title: string;
  /** Unknown paths that begin with this are answered in this dialect. */
  readonly prefix: string;
  readonly routes: readonly Route[];
  error(error: VaultError): ErrorAnswer;
}

interface ErrorAnswer {
  readonly mediaType: string;
  readonly body: unknown;
  readonly headers?: Record<string, string>;
}

export interface Route<Body = unknown> {
  readonly method: "GET" | "POST" | "DELETE";
  /** As Hono reads it; the last segment may be a parameter. */
  readonly path: string;
  /** A line for the documentation. */
  readonly summary: string;
  /** Checks the body and documents it; none: the route takes no body. */
  readonly body?: v.GenericSchema<unknown, Body>;
  /** Of a body that the route reads itself. */
  readonly bodyType?: string;
  /** Bodies that are answered, by what they show; the tests send each of them. */
  readonly examples?: Readonly<Record<string, unknown>>;
  readonly parameters?: readonly Parameter[];
  /** What an answer may be; none: it has no body. */
  readonly mediaTypes: readonly string[];
  /** Of an answer that is fine; 200 if it is not said. */
  readonly status?: 202 | 204;
  /** Left out of the documentation. */
  readonly hidden?: boolean;
  answer(call: Call<Body>, vault: Vault): Response | Promise<Response>;
}

/** For the documentation; the path's is also in `path`. */
export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly about: string;
  readonly example: string;
}

/** Infers the body's type from its schema, and forgets it again: a list of routes holds all kinds. */
export const route = <Body>(route: Route<Body>): Route => route as unknown as Route;

/** One request, routed and checked. */
export interface Call<Body> {
  readonly request: Request;
  readonly url: URL;
  /** Of the path. */
  readonly parameter: string;
  readonly body: Body;
  readonly exchange: Exchange;
  /** The encoding that the client likes best; the first if it does not care, or likes none of them. */
  negotiate(encodings: readonly [Encoding, ...Encoding[]]): Encoding;
}

/** What runs the handler. */
export type Host = "service-worker" | "page" | "process";

/** What routes may use. */
export interface Vault {
  readonly host: Host;
  readonly engine: Engine;
  readonly log: LogSink;
  readonly queue: Queue;
  readonly pulls: Pulls;
  /** Records that could not be stored. */
  readonly logFailures: number;
  /** Whose turn it is. */
  readonly active: Exchange | null;
  readonly now: () => number;
  /** Takes a place in the queue, asks the model, and writes what it says in this encoding. */
  generate(request: GenerateRequest, encoding: Encoding, exchange: Exchange): Promise<Response>;
  /** Goes on with the stream of this request or conversation id, in its own encoding, after what the client has. */
  resume(name: string, skip: Skip, request: Request): Promise<Response>;
}
