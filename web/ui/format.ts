/** 4,396,861 → "4.4 MB". */
export function formatBytes(bytes: number): string {
  if (bytes < 1e6) return `${Math.round(bytes / 1e3)} kB`;
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

/** 412.3 → "412", 8.04 → "8.0". */
export const formatRate = (perSecond: number): string => perSecond.toFixed(perSecond < 20 ? 1 : 0);

/** 640 → "0.6 s". */
export const formatSeconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

export const formatCount = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;

const DEVICES = { webgpu: "GPU", wasm: "CPU", cpu: "CPU" } as const;

export const formatDevice = (device: keyof typeof DEVICES): string => DEVICES[device];
