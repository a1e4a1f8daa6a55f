import type { LocalCloud } from "../adapters/local-cloud.ts";
import { plural } from "./text.ts";

export interface LocalResult {
  readonly running: boolean;
  readonly pid: number | undefined;
  readonly controlUrl: string | undefined;
  readonly listeners: readonly { readonly name: string; readonly url: string }[];
  readonly instances: readonly { readonly name: string; readonly platform: string }[];
}

export async function localResult(cloud: LocalCloud | undefined): Promise<LocalResult> {
  if (cloud === undefined) {
    return { running: false, pid: undefined, controlUrl: undefined, listeners: [], instances: [] };
  }
  const [status, usage] = await Promise.all([cloud.status(), cloud.usage()]);
  return {
    running: true,
    pid: cloud.pid,
    controlUrl: cloud.controlUrl,
    listeners: status.listeners.map(({ name, url }) => ({ name, url })),
    instances: usage.instances.map(({ name, platform }) => ({ name, platform })),
  };
}

export function describeLocal(result: LocalResult): readonly string[] {
  if (!result.running) return ["The local cloud does not run."];
  return [
    `The local cloud runs as process ${result.pid}, with ${plural(result.instances.length, "instance")}.`,
    ...result.listeners.map(({ name, url }) => `  ${name.padEnd(24)} ${url}`),
    ...result.instances.map(({ name, platform }) => `  ${platform.padEnd(24)} ${name}`),
  ];
}
