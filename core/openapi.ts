import { toJsonSchema } from "@valibot/to-json-schema";
import type { Dialect, Parameter, Route } from "./dialect.ts";
import { VaultError } from "./errors.ts";
import { LEVEL_HEADER, LOG_LEVELS } from "./log/log-level.ts";
import { VERSION } from "./version.ts";

const ABOUT = `A private language-model endpoint inside this page's own origin: a service worker answers every route below,
from a model that runs in the page. Nothing leaves the device.

Any client will do, with this origin as its server:

\`\`\`js
new OpenAI({ baseURL: location.origin + "/v1", apiKey: "local", dangerouslyAllowBrowser: true });
new Ollama({ host: location.origin });
fetch("/generate", { method: "POST", body: JSON.stringify({ prompt: "Once upon a time" }) });
\`\`\`

The embedded model knows what it is: ask it "What model are you?".`;

/** OpenAPI 3.1 of all routes, from the schemas that check the bodies. https://spec.openapis.org/oas/v3.1.1 */
export function openApiDocument(dialects: readonly Dialect[], basePath: string) {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const dialect of dialects) {
    for (const route of dialect.routes.filter(({ hidden }) => !hidden)) {
      const path = route.path.replace(/:(\w+)(\{[^/]*\})?(?=\/|$)/, "{$1}");
      paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(dialect, route) };
    }
  }
  return {
    openapi: "3.1.0",
    info: { title: "MiniVault", version: VERSION, description: ABOUT, license: { name: "MIT", identifier: "MIT" } },
    servers: [{ url: basePath }],
    tags: dialects.map(({ title }) => ({ name: title })),
    paths,
  };
}

function operation(dialect: Dialect, route: Route) {
  const { method, path, summary, body, bodyType, examples, parameters = [], mediaTypes, status = 200 } = route;
  return {
    operationId: `${method.toLowerCase()}${path.replace(/:.*/, "one").replaceAll("/", "_")}`,
    tags: [dialect.title],
    summary,
    parameters: [...parameters.map(describeParameter), ...(body ? [LEVEL] : [])],
    ...(body && {
      requestBody: {
        required: true,
        content: {
          "application/json": {
            schema: schemaOf(body),
            examples: Object.fromEntries(Object.entries(examples ?? {}).map(([name, value]) => [name, { value }])),
          },
        },
      },
    }),
    ...(bodyType && { requestBody: { required: true, content: { [bodyType]: {} } } }),
    responses: {
      [status]: { description: "The answer", content: Object.fromEntries(mediaTypes.map((type) => [type, {}])) },
      default: failure(dialect),
    },
  };
}

const LEVEL = {
  name: LEVEL_HEADER,
  in: "header",
  description: "How much the log keeps of this request; never more than the site allows",
  schema: { enum: LOG_LEVELS },
};

const describeParameter = ({ name, in: place, about, example }: Parameter) => ({
  name,
  in: place,
  description: about,
  required: place === "path",
  schema: { type: "string" },
  example,
});

/** A check that JSON Schema has no word for is left out: the document allows a little more than the route. */
function schemaOf(body: NonNullable<Route["body"]>) {
  const { $schema, ...schema } = toJsonSchema(body, { target: "draft-2020-12", errorMode: "ignore" });
  return schema;
}

function failure(dialect: Dialect) {
  const error = new VaultError("model-not-found", "There is no model gpt-9. There is: minivault-demo.");
  const { mediaType, body } = dialect.error(error);
  return { description: "An error", content: { [mediaType]: { example: body } } };
}
