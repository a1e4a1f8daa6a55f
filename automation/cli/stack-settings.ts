/** Pulumi settings that follow from switchyard.yaml, in the names of stacks/config.ts. */
import type { ConfigValues } from "../ports/stack-engine.ts";
import { type EnvironmentConfig, platformIn } from "./config-file.ts";

/** Where a platform's agents find their fail-back flag, and the way to the other side. */
export interface FailBackSettings {
  readonly flagUrl: string;
  /** The balancer's address, as the agents reach it. */
  readonly routeUrl: string;
  /** Host of its dark route. */
  readonly routeHost: string;
}

/**
 * Only what the file says is written: what it does not say stays as the stack's own file has it. `failBack` is given where
 * swap.fail_back is on and a balancer is there.
 */
export function stackSettings(
  program: string,
  config: EnvironmentConfig,
  project: string,
  failBack?: FailBackSettings,
): ConfigValues {
  const shared: ConfigValues = {
    "gcp:project": project,
    "gcp:region": config.region,
    "switchyard:prefix": config.prefix,
  };
  if (program === "traffic") return { ...shared, "switchyard:domain": config.domain };
  if (program === "observability") return { ...shared, "switchyard:domain": config.domain, ...watched(config) };
  const { auto_scale_config: scale, resource_limits: limits } = platformIn(config, program);
  const names = scaleNames[program as keyof typeof scaleNames];
  return {
    ...shared,
    ...(config.cloud === "local" && program === "gke" ? { "switchyard:preStopSeconds": localPreStopSeconds } : {}),
    ...given(names?.min, scale.min_instances),
    ...given(names?.max, scale.max_instances),
    ...given(names?.concurrency, scale.concurrency),
    ...given("cpu", limits.cpu),
    ...given("memory", limits.memory),
    ...given("secrets", config.secrets && JSON.stringify(config.secrets)),
    ...given("failBackUrl", failBack?.flagUrl),
    ...given("failBackRouteUrl", failBack?.routeUrl),
    ...given("failBackRouteHost", failBack?.routeHost),
  };
}

/** What is alerted is what a swap goes by. One latency for both sides: the higher, so that neither is blamed for the other's. */
function watched({ swap, platforms }: EnvironmentConfig): ConfigValues {
  const latencies = Object.values(platforms).flatMap((platform) => platform?.performance_threshold ?? []);
  return {
    ...given("errorPercent", swap && Number((swap.rollback_threshold * 100).toPrecision(6))),
    ...given("latencyMilliseconds", latencies.length === 0 ? undefined : Math.ceil(Math.max(...latencies))),
    ...given("maxInstances", platforms["cloud-run"]?.auto_scale_config.max_instances),
  };
}

/** A cloud's balancer follows a leaving pod late, hence the default of 40 s; the local router follows at once. */
const localPreStopSeconds = 2;

const scaleNames = {
  gke: { min: "replicas", max: "maxReplicas", concurrency: undefined },
  "cloud-run": { min: "minInstances", max: "maxInstances", concurrency: "concurrency" },
} as const;

function given(name: string | undefined, value: string | number | undefined): ConfigValues {
  return name === undefined || value === undefined ? {} : { [`switchyard:${name}`]: value };
}
