import { rulesOf, type SiteRules } from "../core/site-rules.ts";

declare const self: ServiceWorkerGlobalScope;

let rules: Promise<SiteRules> | undefined;

/** Those of `minivault.config.json`: as it is kept from the last visit, else as the server has it. */
const siteRules = (): Promise<SiteRules> => {
  const url = new URL("minivault.config.json", self.registration.scope);
  rules ??= rulesOf(async () => (await caches.match(url)) ?? fetch(url));
  return rules;
};

export const siteMaxWaiting = async () => (await siteRules()).maxWaiting;
export const siteRateLimit = async () => (await siteRules()).rateLimit;
export const siteLogRules = async () => (await siteRules()).log;
export const siteRetention = async () => (await siteRules()).retention;
