import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, test } from "vitest";
import packageJson from "../package.json" with { type: "json" };
import { openApiDocument } from "./openapi.ts";
import { DIALECTS } from "./routing.ts";
import { VERSION } from "./version.ts";

const document = openApiDocument(DIALECTS, "/");

test("the document is valid OpenAPI 3.1", async () => {
  const validator = new Validator();
  const result = await validator.validate(structuredClone(document));
  expect(result.errors ?? []).toEqual([]);
  expect(result.valid).toBe(true);
  expect(validator.version).toBe("3.1");
});

test("it has every route, each under a name of its own", () => {
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path)) as { operationId: string }[];
  const documented = DIALECTS.flatMap(({ routes }) => routes).filter(({ hidden }) => !hidden);
  expect(operations).toHaveLength(documented.length);
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
});

test("bodies are described by the schemas that check them", () => {
  const { post } = document.paths["/v1/chat/completions"] as { post: { requestBody: { content: object } } };
  expect(post.requestBody.content).toMatchObject({
    "application/json": {
      schema: {
        type: "object",
        required: ["messages"],
        properties: {
          temperature: { anyOf: [{ type: "number", minimum: 0, maximum: 100 }, { type: "null" }] },
          n: { anyOf: [{ const: 1 }, { type: "null" }] },
        },
      },
    },
  });
});

test("a request with a body may say how much of it is logged", () => {
  const { post } = document.paths["/generate"] as { post: { parameters: object[] } };
  expect(post.parameters).toMatchObject([{ name: "x-minivault-log", in: "header" }]);
  const { get } = document.paths["/health"] as { get: { parameters: object[] } };
  expect(get.parameters).toEqual([]);
});

test("the version is the package's", () => {
  expect(VERSION).toBe(packageJson.version);
  expect(document.info.version).toBe(packageJson.version);
});
