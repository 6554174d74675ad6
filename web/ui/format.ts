import type { Device, Progress } from "../../core/protocol.ts";

/** 4,396,861 → "4.4 MB". */
export function formatBytes(bytes: number): string {
  if (bytes < 999_500) return `${Math.round(bytes / 1e3)} kB`;
  const [value, unit] = bytes < 999_500_000 ? [bytes / 1e6, "MB"] : [bytes / 1e9, "GB"];
  return `${value.toFixed(value < 9.95 ? 1 : 0)} ${unit}`;
}

/** 412.3 → "412", 8.04 → "8.0". */
export const formatRate = (perSecond: number): string => perSecond.toFixed(perSecond < 20 ? 1 : 0);

/** 640 → "0.6 s". */
export const formatSeconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** How long the rest takes, as roughly as anybody can know it. */
export function formatTimeLeft(seconds: number): string {
  if (seconds < 10) return "a few seconds left";
  if (seconds < 58) return `${Math.ceil(seconds / 5) * 5} s left`;
  if (seconds < 58 * 60) return `${Math.ceil(seconds / 60)} min left`;
  return `${Math.ceil(seconds / 3600)} h left`;
}

/** Of a download: "40 MB of 85 MB", "2.1 MB/s", "25 s left", as far as they are known. */
export function formatProgress({ loadedBytes, totalBytes }: Progress, bytesPerSecond = 0): string[] {
  if (totalBytes === 0) return [];
  const amount = `${formatBytes(loadedBytes)} of ${formatBytes(totalBytes)}`;
  if (bytesPerSecond <= 0) return [amount];
  return [amount, `${formatBytes(bytesPerSecond)}/s`, formatTimeLeft((totalBytes - loadedBytes) / bytesPerSecond)];
}

export const formatCount = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

const DEVICES: Readonly<Record<Device, string>> = { webgpu: "GPU", wasm: "CPU", cpu: "CPU" };

export const formatDevice = (device: Device): string => DEVICES[device];
