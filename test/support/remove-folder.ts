import { rm } from "node:fs/promises";

/** Removes a folder that a process which ends at this moment (a daemon's watchdog) may still write into. */
export function removeFolder(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}
