import type { BackendServiceArgs } from "@pulumi/gcp/compute/backendService.js";
import type { FirewallArgs } from "@pulumi/gcp/compute/firewall.js";
import type { HealthCheckArgs } from "@pulumi/gcp/compute/healthCheck.js";
import type { Problem } from "../../shared/validation.ts";

/** What a platform's backend is made from. */
export interface BackendSettings {
  readonly prefix: string;
  readonly project: string;
  readonly region: string;
  /** Zones that have an endpoint group, by platform; only zonal platforms have any. */
  readonly zones: Readonly<Record<string, readonly string[]>>;
  /** Longest request, in seconds. */
  readonly requestTimeoutSeconds: number;
  /** Time for requests in flight when an endpoint leaves, in seconds. */
  readonly drainSeconds: number;
  /** Requests per second that one endpoint is meant to take; the balancer spreads by it and does not cut off. */
  readonly maxRatePerEndpoint: number;
}

/** What a platform needs at the balancer. */
export interface BackendPlan {
  /** The backend service, its name included. */
  readonly backendService: BackendServiceArgs;
  /** Absent where the balancer may have none (serverless). */
  readonly healthCheck?: HealthCheckArgs;
  /** Opens the platform's network to the balancer; absent where there is no network. */
  readonly firewall?: FirewallArgs;
}

/** A platform at the balancer. A new one is one file that holds this, and its line in registry.ts. */
export interface PlatformBackend {
  /** gke, cloud-run. */
  readonly platform: string;
  /** All problems of the settings that concern this platform. */
  problems(settings: BackendSettings): readonly Problem[];
  /** Pure: the same settings give the same plan. */
  plan(settings: BackendSettings): BackendPlan;
}

/** Every request is logged: the engine's gates count them. */
export const fullLog = { enable: true, sampleRate: 1 } as const;

const computeApi = "https://www.googleapis.com/compute/v1";

/** Full address of a zonal endpoint group, as the API gives it back. */
export function zonalGroupUrl(project: string, zone: string, name: string): string {
  return `${computeApi}/projects/${project}/zones/${zone}/networkEndpointGroups/${name}`;
}

/** Full address of a serverless endpoint group, as the API gives it back. */
export function regionalGroupUrl(project: string, region: string, name: string): string {
  return `${computeApi}/projects/${project}/regions/${region}/networkEndpointGroups/${name}`;
}
