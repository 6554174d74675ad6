import { VaultError } from "../../core/errors.ts";

/** The link to the log as a script: a navigation would go past the page's own handler. */
export async function saveLog(): Promise<void> {
  const response = await fetch("./logs");
  if (!response.ok) throw new VaultError("log-failed", "The log cannot be read. Try again.");
  const [, name = "minivault-logs.jsonl"] =
    /filename="?([^";]+)/.exec(response.headers.get("content-disposition") ?? "") ?? [];
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEEP_MS);
}

/** The browser reads it some time after the click. */
const KEEP_MS = 60_000;
