/** Who may import whom. A folder is a realm; see docs/ARCHITECTURE.md. */
const only = (name, from, to) => ({
  name,
  severity: "error",
  from: { path: from, pathNot: "\\.test\\.ts$" },
  to: { pathNot: to },
});

module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    { name: "no-orphans", severity: "error", from: { orphan: true, pathNot: "\\.d\\.ts$|\\.test\\.ts$" }, to: {} },
    only("protocol-imports-nothing", "^core/protocol\\.ts$", "^$"),
    only(
      "core-is-closed",
      "^core/",
      "^core/|node_modules/(hono|valibot|@valibot/to-json-schema|client-zip|@noble/hashes)/",
    ),
    only(
      "models-see-protocol-and-config",
      "^models/",
      "^models/|^core/(protocol|errors|config|web-lock|random-id|within)\\.ts$|node_modules/(hash-wasm|comlink)/",
    ),
    only(
      "engine-sees-protocol-port-and-config",
      "^engine/",
      "^engine/|^models/|^core/cassette/|^core/(protocol|errors|config|config-file|from-generator|port-server|unpacked|web-lock)\\.ts$|node_modules/@huggingface/transformers/|onnxruntime-web/",
    ),
    only(
      "logs-see-protocol",
      "^logs-export/",
      "^logs-export/|^core/(log|vault)/|^core/(protocol|answer-so-far|errors|from-generator|random-id|web-lock|within)\\.ts$|node_modules/idb/",
    ),
    only("sw-never-sees-page-or-engine", "^sw/", "^sw/|^core/|^logs-export/|node_modules/workbox-"),
    only(
      "web-never-sees-sw-or-engine",
      "^web/(?!(in-page|page-engine)\\.ts$)",
      "^web/|^core/(protocol|log/log-record|errors|random-id|scope|vault/keyring|web-lock|dialects/minivault)\\.ts$|node_modules/(lit|workbox-window|eventsource-parser|openapi-explorer)/",
    ),
    only("in-page-handler-hosts-the-core", "^web/(in-page|page-engine)\\.ts$", "^web/|^core/|^logs-export/"),
    only(
      "cli-serves-the-built-site",
      "^cli/",
      "^cli/|^core/|^models/|node_modules/(vite|commander|cli-progress|tsx)/|^(node:)?(crypto|fs|fs/promises|http|net|os|path|stream/promises|timers/promises|url|util|zlib)$",
    ),
    {
      name: "one-file-per-dependency",
      severity: "error",
      from: {
        path: "^(core|models|engine|logs-export|sw|web)/",
        pathNot:
          "^core/(api|fields|config|openapi|log/(log-schema|log-json-schema|export|hash|vault-routes)|dialect|dialects/\\w+)\\.ts$|^logs-export/(database|tables)\\.ts$|^models/(hash|worker|library)\\.ts$|^engine/(load-model|ort-runtime)\\.ts$|^sw/shell-cache\\.ts$|^web/(ui/|(client|register-sw|update|api-docs)\\.ts$)|\\.test\\.ts$",
      },
      to: { path: "node_modules" },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.base.json" },
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "default"] },
  },
};
