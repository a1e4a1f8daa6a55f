import { readFile } from "node:fs/promises";
import type { Properties, PropertyValue } from "../compute/resources.ts";
import { isKubeconfigText, KubeconfigError, readKubeconfig } from "./kubeconfig.ts";
import type { ProviderSettings } from "./resource-type.ts";

export interface Defaults {
  readonly project: string;
  readonly region: string;
  readonly zone: string;
}

/** Added to every resource with labels unless addPulumiAttributionLabel is false. */
const attributionLabel = { "goog-pulumi-provisioned": "true" };

/** Settings of the gcp provider; what the program leaves out comes from `defaults`. */
export function gcpSettings(args: Properties, defaults: Defaults): ProviderSettings {
  const attribution = parsed(args["addPulumiAttributionLabel"]) !== false;
  const own = parsed(args["defaultLabels"]);
  return {
    project: nonEmpty(args["project"]) ?? defaults.project,
    region: nonEmpty(args["region"]) ?? defaults.region,
    zone: nonEmpty(args["zone"]) ?? defaults.zone,
    cluster: undefined,
    labels: { ...(attribution ? attributionLabel : {}), ...(isObject(own) ? strings(own) : {}) },
  };
}

/**
 * Settings of the kubernetes provider. `kubeconfig` is the contents or the path of one; without it no cluster is known and
 * every operation says so. Errors: KubeconfigError.
 */
export async function kubernetesSettings(args: Properties, defaults: Defaults): Promise<ProviderSettings> {
  const text = await kubeconfigText(args["kubeconfig"]);
  const target = text === undefined ? undefined : readKubeconfig(text, nonEmpty(args["context"]));
  return {
    ...defaults,
    cluster: target?.endpoint,
    namespace: nonEmpty(args["namespace"]) ?? target?.namespace ?? "default",
  };
}

async function kubeconfigText(value: PropertyValue | undefined): Promise<string | undefined> {
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value !== "string") return JSON.stringify(value);
  if (isKubeconfigText(value)) return value;
  try {
    return await readFile(value, "utf8");
  } catch (cause) {
    throw new KubeconfigError(`The kubeconfig is neither contents nor a file that can be read: ${value}.`, { cause });
  }
}

/** Whether another configuration means another cluster, so that everything in it is replaced. */
export async function namesAnotherCluster(olds: Properties, news: Properties, defaults: Defaults): Promise<boolean> {
  const [before, after] = await Promise.all([clusterOf(olds, defaults), clusterOf(news, defaults)]);
  return before !== undefined && after !== undefined && before !== after;
}

async function clusterOf(args: Properties, defaults: Defaults): Promise<string | undefined> {
  try {
    return (await kubernetesSettings(args, defaults)).cluster;
  } catch (error) {
    // An old kubeconfig that cannot be read says nothing about the cluster; a new one fails in CheckConfig.
    if (error instanceof KubeconfigError) return undefined;
    throw error;
  }
}

function nonEmpty(value: PropertyValue | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Provider settings that are no strings travel as JSON text. */
function parsed(value: PropertyValue | undefined): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch (error) {
    if (error instanceof SyntaxError) return value;
    throw error;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function strings(values: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]));
}
