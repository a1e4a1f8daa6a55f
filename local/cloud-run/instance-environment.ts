import type { ServiceSettings } from "./settings.ts";

/** Statement 2. PORT is the runtime's: an ephemeral port on loopback instead of 8080, a listed deviation (statement 1). */
export function instanceEnvironment(
  service: string,
  revision: string,
  settings: Pick<ServiceSettings, "env">,
): Readonly<Record<string, string>> {
  return { ...settings.env, K_SERVICE: service, K_REVISION: revision, K_CONFIGURATION: service };
}
