import type { PlatformBackend } from "./backend-plan.ts";
import { cloudRunBackend } from "./cloud-run.ts";
import { gkeBackend } from "./gke.ts";

/** The platforms that the balancer can send to, by name. */
export const platformBackends: ReadonlyMap<string, PlatformBackend> = new Map(
  [gkeBackend, cloudRunBackend].map((backend) => [backend.platform, backend]),
);
