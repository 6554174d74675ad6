import * as v from "valibot";
import { route } from "../dialect.ts";
import { VaultError } from "../errors.ts";
import { must, text, wholeNumber } from "../fields.ts";
import { asFailure } from "./log-errors.ts";
import type { LogSink, LogVault } from "./log-record.ts";

const JSON_TYPE = "application/json";
/** Also for those who come back from a short break. */
const IDLE_S = 300;
const DAY_S = 86_400;

const idle_s = v.nullish(wholeNumber(1, DAY_S));
const Passphrase = v.object({ passphrase: text, idle_s });
const Change = v.object({ passphrase: text, new_passphrase: must("the passphrase from now on", v.string()) });

function vaultOf({ vault }: LogSink): LogVault {
  if (vault) return vault;
  throw new VaultError(
    "vault-unsupported",
    "This log cannot be locked: only one that a browser keeps can. Keep its files where nobody else reads them.",
  );
}

const EXAMPLE = { passphrase: "correct horse battery", idle_s: IDLE_S };

async function answer(vault: LogVault, change?: Promise<void>): Promise<Response> {
  try {
    await change;
    return Response.json(await vault.status(), { headers: { "cache-control": "no-store" } });
  } catch (cause) {
    return asFailure(cause);
  }
}

const idleMs = ({ idle_s }: v.InferOutput<typeof Passphrase>): number => (idle_s ?? IDLE_S) * 1000;

const status = route({
  method: "GET",
  path: "/logs/vault",
  summary: "Whether the log has a passphrase, and whether it is locked",
  mediaTypes: [JSON_TYPE],
  answer: (_, { log }) => (log.vault ? answer(log.vault) : Response.json({ state: "unsupported", locks_at: null })),
});

const create = route({
  method: "POST",
  path: "/logs/vault",
  summary: "Sets a passphrase: all records are sealed, those that come as well, and only it opens them",
  body: Passphrase,
  examples: { "for five minutes": EXAMPLE },
  mediaTypes: [JSON_TYPE],
  answer({ body }, { log }) {
    const vault = vaultOf(log);
    return answer(vault, vault.create(body.passphrase, idleMs(body)));
  },
});

const unlock = route({
  method: "POST",
  path: "/logs/vault/unlock",
  summary: "Lets the log be read, until it was not for idle_s seconds",
  body: Passphrase,
  examples: { "for five minutes": EXAMPLE },
  mediaTypes: [JSON_TYPE],
  answer({ body }, { log }) {
    const vault = vaultOf(log);
    return answer(vault, vault.unlock(body.passphrase, idleMs(body)));
  },
});

const lock = route({
  method: "POST",
  path: "/logs/vault/lock",
  summary: "Forgets the key: nobody reads the log until it is unlocked; exchanges are logged all the same",
  mediaTypes: [JSON_TYPE],
  answer(_, { log }) {
    const vault = vaultOf(log);
    return answer(vault, vault.lock());
  },
});

const change = route({
  method: "POST",
  path: "/logs/vault/passphrase",
  summary: "Changes the passphrase; what was sealed opens with the new one",
  body: Change,
  examples: { "another one": { passphrase: EXAMPLE.passphrase, new_passphrase: "battery staple horse" } },
  mediaTypes: [JSON_TYPE],
  answer({ body }, { log }) {
    const vault = vaultOf(log);
    return answer(vault, vault.changePassphrase(body.passphrase, body.new_passphrase));
  },
});

export const VAULT_ROUTES = [status, create, unlock, lock, change];
