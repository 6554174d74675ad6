import { describe, expect, test } from "vitest";
import { createApi } from "../../core/api.ts";
import type { DocumentedBody, Field } from "../../core/dialects/documented.ts";
import { OLLAMA_BODIES } from "../../core/dialects/ollama-fields.ts";
import { OPENAI_BODIES } from "../../core/dialects/openai-fields.ts";
import { MINIVAULT_BODIES, OPERATIONS_BODIES } from "../../core/dialects/own-fields.ts";
import type { LogVault } from "../../core/log/log-record.ts";
import { DIALECTS } from "../../core/routing.ts";
import { DEFAULT_RULES } from "../../core/site-rules.ts";
import { createMemoryLog } from "../../logs-export/memory-log.ts";
import { fieldsOf, fieldsPage } from "../fixtures/documented-fields.ts";
import { engineOf, fixedSources } from "../fixtures/fixed-sources.ts";
import { embeddedModel } from "../fixtures/node-model.ts";

const BODIES = {
  minivault: MINIVAULT_BODIES,
  openai: OPENAI_BODIES,
  ollama: OLLAMA_BODIES,
  operations: OPERATIONS_BODIES,
};

const NOTHING = async () => {};
const vault: LogVault = {
  status: async () => ({ state: "unlocked", locksAtMs: null }) as never,
  create: NOTHING,
  unlock: NOTHING,
  lock: NOTHING,
  changePassphrase: NOTHING,
};
const local = engineOf(embeddedModel, { sources: fixedSources(embeddedModel) });
const engine = { ...local, pull: NOTHING, remove: NOTHING, pause: NOTHING };
const rules = async () => ({ ...DEFAULT_RULES, rateLimit: { burst: 1e6, perMinute: 1e6 } });
const handle = createApi({ engine, log: { ...createMemoryLog(), vault }, rules });

type Body = Record<string, unknown>;

const isBody = (value: unknown): value is Body => typeof value === "object" && value !== null && !Array.isArray(value);

/** Objects are joined; all else is replaced. */
const joined = (a: Body, b: Body): Body => {
  const all = { ...a };
  for (const [name, value] of Object.entries(b)) {
    const before = a[name];
    all[name] = isBody(before) && isBody(value) ? joined(before, value) : value;
  }
  return all;
};

/** A field at the end of a path such as `options.top_k`; in a list, in its last item. */
function withField(at: unknown, [name = "", ...rest]: readonly string[], value: unknown): unknown {
  if (!name) return value;
  if (Array.isArray(at)) return [...at.slice(0, -1), withField(at.at(-1), [name, ...rest], value)];
  if (typeof at === "string") return [withField({ type: "text", text: at }, [name, ...rest], value)]; // a content in parts
  return { ...(at as Body), [name]: withField((at as Body | undefined)?.[name], rest, value) };
}

const VOLATILE = /^(id|created|created_at|generated_at|modified_at|timings|\w+_duration)$/;
const steady = (text: string): string =>
  text
    .replace(/^id: .*$/gm, "")
    .replace(/\{.*\}/g, (json) =>
      JSON.stringify(JSON.parse(json), (key, value) => (VOLATILE.test(key) ? undefined : value)),
    );

async function send(path: string, method: string, body: unknown) {
  const response = await handle(new Request(`http://x${path}`, { method, body: JSON.stringify(body) }));
  const text = await response.text();
  return { status: response.status, text, said: response.ok ? steady(text) : text };
}

/** What many fields are compared with is sent once. */
const answers = new Map<string, ReturnType<typeof send>>();
function sendOnce(path: string, method: string, body: unknown) {
  const key = JSON.stringify([path, method, body]);
  const answer = answers.get(key) ?? send(path, method, body);
  answers.set(key, answer);
  return answer;
}

const CASES = Object.values(BODIES)
  .flat()
  .flatMap(({ paths, fields, ...rest }) =>
    paths.flatMap((path) => Object.entries<Field>(fields).map(([name, field]) => ({ path, name, field, ...rest }))),
  );

describe.each(Object.entries(BODIES))("%s", (dialect, bodies) => {
  const routes = DIALECTS.find(({ name }) => name === dialect)!.routes.filter(({ body }) => body);

  test("every route that takes a body says what becomes of each of its fields", () => {
    expect(bodies.flatMap(({ paths }) => paths).toSorted()).toEqual(routes.map(({ path }) => path).toSorted());
  });

  test.each(routes)("$path checks what it honours or refuses, and nothing else", ({ path, body }) => {
    const { fields } = bodies.find(({ paths }) => paths.includes(path)) as DocumentedBody;
    const checked = Object.entries(fields).filter(([, { here }]) => here !== "without effect");
    expect(fieldsOf(body!)).toEqual(checked.map(([name]) => name).toSorted());
  });
});

test.each(CASES)("$path $name does what the documentation of this API says", async ({ path, name, field, ...rest }) => {
  const { method = "POST", base } = rest;
  const { here, takes = [], refuses = [], beside = {}, needs = {}, excludes, unseen } = field;
  const around = joined(base as Body, { ...beside, ...needs } as Body);
  const sent = (value: unknown, body: Body = around) => send(path, method, withField(body, name.split("."), value));
  const isRefused = async (value: unknown, body?: Body) => {
    const { status, text } = await sent(value, body);
    expect([status, text], JSON.stringify(value)).toEqual([400, expect.stringContaining(name.split(".").at(-1) ?? "")]);
  };

  for (const value of refuses) await isRefused(value);
  const without = await sendOnce(path, method, around);
  for (const value of takes) {
    const { status, text, said } = await sent(value);
    expect(status, `${JSON.stringify(value)}: ${text}`).toBeLessThan(300);
    if (unseen) continue;
    expect(said === without.said, `${JSON.stringify(value)}: ${said}`).toBe(here !== "honoured");
    if (field.needs) await isRefused(value, joined(base as Body, beside as Body));
    if (excludes) await isRefused(value, joined(around, excludes as Body));
  }
  if (here === "refused") expect((await sent(null)).said).toBe(without.said);
});

test("docs/FIELDS.md says all of this; `npm run fields` writes it", async () => {
  await expect(fieldsPage(BODIES)).toMatchFileSnapshot("../../docs/FIELDS.md");
});
