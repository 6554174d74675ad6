import { config } from "chai";
import { API_CONTRACT } from "./api-contract.ts";

config.truncateThreshold = 0; // where two long texts differ is all there is to see

/** The contract suite as a script for a page, where the host is whatever answers `fetch`. */
Object.assign(globalThis, {
  runContractCase: async (name: string): Promise<string> => {
    const found = API_CONTRACT.find((one) => one.name === name);
    if (!found) return `there is no case ${name}`;
    try {
      await found.run((path, init) => fetch(path, init));
      return "ok";
    } catch (cause) {
      return cause instanceof Error ? `${cause.message}\n${cause.stack}` : String(cause);
    }
  },
});
