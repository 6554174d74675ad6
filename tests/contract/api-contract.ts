import { CASSETTE_CONTRACT } from "./cassette-contract.ts";
import type { ContractCase } from "./contract-case.ts";
import { LOGS_CONTRACT } from "./logs-contract.ts";
import { MINIVAULT_CONTRACT } from "./minivault-contract.ts";
import { MODELS_CONTRACT } from "./models-contract.ts";
import { OLLAMA_CONTRACT } from "./ollama-contract.ts";
import { OPENAI_CONTRACT } from "./openai-contract.ts";
import { OPERATIONS_CONTRACT } from "./operations-contract.ts";
import { RESUME_CONTRACT } from "./resume-contract.ts";

/** What the API promises in every host; a host's own file only says how to send. The model is `minivault-demo`, the cassette is `contract`. */
export const API_CONTRACT: readonly ContractCase[] = [
  ...MINIVAULT_CONTRACT,
  ...LOGS_CONTRACT,
  ...MODELS_CONTRACT,
  ...OPENAI_CONTRACT,
  ...OLLAMA_CONTRACT,
  ...OPERATIONS_CONTRACT,
  ...RESUME_CONTRACT,
  ...CASSETTE_CONTRACT,
];
