/** The hub id in what somebody pasted: `owner/name`, alone or in an address of the hub. `null` if there is none. */
export function hubIdIn(text: string): string | null {
  const path = text.trim().replace(/^https?:\/\/[^/]+\//, "");
  return /^([\w.-]+\/[\w.-]+)(?:[/?#]|$)/.exec(path)?.[1] ?? null;
}
