import type { Platform } from "../ports/platform.ts";
import { createCloudRunPlatform } from "./platform-cloud-run.ts";
import type { PlatformContext } from "./platform-context.ts";
import { createGkePlatform } from "./platform-gke.ts";

/** Every platform, by name. A further platform is a further file and a line here. */
const registration: Readonly<Record<string, (context: PlatformContext) => Platform>> = Object.freeze({
  gke: createGkePlatform,
  "cloud-run": createCloudRunPlatform,
});

export const platformNames: readonly string[] = Object.freeze(Object.keys(registration));

export function createPlatforms(context: PlatformContext): Readonly<Record<string, Platform>> {
  return Object.fromEntries(Object.entries(registration).map(([name, create]) => [name, create(context)]));
}
