import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError, Option } from "commander";
import { reasonOf } from "../core/errors.ts";
import { configFrom } from "./config-from-env.ts";
import { listModels } from "./list-models.ts";
import { type PullOptions, pullModel } from "./pull-model.ts";

const MODELS = fileURLToPath(new URL("../public/models", import.meta.url));

/** Ctrl+C pauses a download; a second one ends the process at once. */
const interrupted = new AbortController();
process.once("SIGINT", () => interrupted.abort());

const program = new Command("minivault").description("Helps with the models of a MiniVault site.");
const model = program.command("model").description("Models that the site serves itself, without the hub.");

model
  .command("pull <model>")
  .description("Fetches a model into public/models/. What is there already is not fetched again.")
  .addOption(
    new Option("--device <device>", "for which devices").choices(["wasm", "webgpu", "all"] as const).default("all"),
  )
  .addOption(
    new Option("--dtype <dtype>", "other weights than the model's own choice").choices([
      "fp32",
      "fp16",
      "q8",
      "int8",
      "uint8",
      "q4",
      "q4f16",
      "bnb4",
    ]),
  )
  .addOption(new Option("--hub <url>", "where to fetch it from").argParser(asUrl))
  .addOption(new Option("--to <folder>", "where to put it").default(MODELS, "public/models"))
  .addHelpText("after", "\nModels: see `minivault model list`; or any hub id, as owner/name.")
  .action(async (name: string, options: CommandOptions) => {
    const { MINIVAULT_HUB, MINIVAULT_DTYPE } = process.env;
    const { hub = MINIVAULT_HUB, dtype = MINIVAULT_DTYPE, device, to } = options;
    const one = device !== "all" && { MINIVAULT_DEVICE: device }; // whose dtype it is
    const config = configFrom({ ...process.env, ...one, MINIVAULT_HUB: hub, MINIVAULT_DTYPE: dtype });
    const devices: PullOptions["devices"] = device === "all" ? ["wasm", "webgpu"] : [device];
    await pullModel({ name, config, devices, isDtypeFirm: dtype !== undefined, to, signal: interrupted.signal });
  });

model
  .command("list")
  .description("Lists the models that have a name, and what is in public/models/.")
  .addOption(new Option("--to <folder>", "where they are").default(MODELS, "public/models").hideHelp())
  .action(async ({ to }: { to: string }) => console.log(await listModels(configFrom(process.env), to)));

interface CommandOptions {
  readonly device: "wasm" | "webgpu" | "all";
  readonly dtype?: string;
  readonly hub?: string;
  readonly to: string;
}

function asUrl(text: string): string {
  if (/^https?:/.test(text) && URL.canParse(text)) return text;
  throw new InvalidArgumentError("It must begin with https:// or http://.");
}

try {
  await program.parseAsync();
} catch (cause) {
  console.error(`minivault: ${reasonOf(cause)}`);
  process.exitCode = interrupted.signal.aborted ? 130 : 1;
}
