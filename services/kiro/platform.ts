/** Where the agent runs, read from the environment that each platform sets. */
import { SettingsError } from "./settings.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export interface Platform {
  /** gke or cloud-run. */
  readonly name: string;
  /** The pod's or instance's name; undefined where only the platform's metadata server knows it. */
  readonly instanceId: string | undefined;
  /** For `/info` and `/kiro-metrics`: what only this platform has, snake_case keys. */
  readonly specific: Readonly<Record<string, unknown>>;
  /** Serve at least this long after SIGTERM, ms: balancers learn of the end some time after the instance does. */
  readonly lameDuckMs: number;
  /** The longest drain that the platform lets an instance finish, ms. */
  readonly longestDrainMs: number;
}

function present(values: Readonly<Record<string, string | undefined>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function gke(env: Environment): Platform {
  const pod = env["POD_NAME"] ?? env["HOSTNAME"];
  return {
    name: "gke",
    instanceId: env["KIRO_INSTANCE"] ?? pod,
    specific: present({
      pod_name: pod,
      namespace: env["POD_NAMESPACE"],
      node_name: env["NODE_NAME"],
      cluster: env["CLUSTER_NAME"],
      kubernetes_service_host: env["KUBERNETES_SERVICE_HOST"],
    }),
    lameDuckMs: 1_000,
    longestDrainMs: 3_600_000,
  };
}

function cloudRun(env: Environment): Platform {
  // Cloud Run calls every instance localhost; another name was given by whoever started the instance.
  const host = env["HOSTNAME"] === "localhost" ? undefined : env["HOSTNAME"];
  return {
    name: "cloud-run",
    instanceId: env["KIRO_INSTANCE"] ?? host,
    specific: present({
      service: env["K_SERVICE"],
      revision: env["K_REVISION"],
      configuration: env["K_CONFIGURATION"],
    }),
    lameDuckMs: 0,
    // SIGKILL comes 10 s after SIGTERM and cannot be put off.
    longestDrainMs: 9_500,
  };
}

const platforms: Readonly<Record<string, (env: Environment) => Platform>> = { gke, "cloud-run": cloudRun };

/** KIRO_PLATFORM decides; else K_SERVICE means Cloud Run and KUBERNETES_SERVICE_HOST means GKE. Errors: SettingsError. */
export function detectPlatform(env: Environment): Platform {
  const detected = env["K_SERVICE"] ? "cloud-run" : env["KUBERNETES_SERVICE_HOST"] ? "gke" : undefined;
  const name = env["KIRO_PLATFORM"] ?? detected;
  const known = Object.keys(platforms).join(" or ");
  if (name === undefined) {
    throw new SettingsError([
      `the platform is not known: neither K_SERVICE (Cloud Run) nor KUBERNETES_SERVICE_HOST (GKE) is set; set KIRO_PLATFORM to ${known}`,
    ]);
  }
  const platform = Object.hasOwn(platforms, name) ? platforms[name] : undefined;
  if (platform === undefined) throw new SettingsError([`KIRO_PLATFORM is ${name}; allowed are ${known}`]);
  return platform(env);
}

/**
 * The instance id that Cloud Run's metadata server gives, undefined when it cannot be had within a second.
 * `host` is metadata.google.internal or what GCE_METADATA_HOST names.
 */
export async function fetchInstanceId(host: string): Promise<string | undefined> {
  try {
    const response = await fetch(`http://${host}/computeMetadata/v1/instance/id`, {
      headers: { "metadata-flavor": "Google" },
      signal: AbortSignal.timeout(1_000),
    });
    const text = (await response.text()).trim();
    return response.ok && /^[\w.-]{1,300}$/.test(text) ? text : undefined;
  } catch (error) {
    // fetch reports an unreachable server as TypeError and the deadline as TimeoutError; both mean "not there".
    if (error instanceof TypeError || (error instanceof DOMException && error.name === "TimeoutError"))
      return undefined;
    throw error;
  }
}
