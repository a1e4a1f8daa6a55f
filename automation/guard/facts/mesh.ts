/**
 * Facts for the upgrade notes, as far as objects tell them. A fact whose objects the cluster does not know (a CRD that is not there)
 * is an empty list; one that no object can tell is left out. Pure.
 */
import { parse } from "yaml";
import { z } from "zod";
import type { KubernetesObject } from "../../ports/kubernetes-api.ts";
import { parseMinor } from "../plan/versions.ts";
import type { MeshFacts } from "../rules/evidence.ts";
import type { ControlPlane } from "./control-planes.ts";
import type { FluxRelease } from "./flux-objects.ts";
import { type HostObjects, hostFacts } from "./mesh-hosts.ts";
import { list, metadata, nameOf, read, texts, Unreadable } from "./objects.ts";
import type { Container, Pod } from "./pods.ts";
import { podWebhooks } from "./webhooks.ts";

export interface MeshObjects extends HostObjects {
  readonly plane: ControlPlane;
  /** HelmRelease of the control plane. */
  readonly release: FluxRelease | undefined;
  readonly pods: readonly Pod[];
  readonly mutating: readonly KubernetesObject[];
  readonly namespaces: readonly KubernetesObject[];
  /** ConfigMaps of istiod's namespace. */
  readonly meshConfigMaps: readonly KubernetesObject[];
  /** ConfigMaps with the label grafana_dashboard. */
  readonly dashboards: readonly KubernetesObject[];
  /** undefined: the cluster does not know them. */
  readonly prometheusRules: readonly KubernetesObject[] | undefined;
  readonly authorizationPolicies: readonly KubernetesObject[];
  readonly workloadEntries: readonly KubernetesObject[];
  /** Objects of Gateway API and inference extension that notes ask for, at the version that the server gives. */
  readonly stored: readonly KubernetesObject[];
}

const named = z.object({ metadata });
const map = z.object({ metadata, data: texts });

/** Errors: Unreadable. */
export function meshSection(objects: MeshObjects): MeshFacts {
  const { plane, pods } = objects;
  const running = pods.filter(({ gone }) => !gone);
  const ambientPods = running.filter(({ annotations }) => annotations["ambient.istio.io/redirection"] === "enabled");
  const maps = read(map, objects.meshConfigMaps);
  const cni = maps.find(({ metadata: { name } }) => name === "istio-cni-config")?.data;
  const hasZtunnel = running.some(({ labels }) => labels["app"] === "ztunnel");
  const outside = running.filter(({ namespace }) => namespace !== plane.namespace);
  const compatibility = compatibilityOf(objects.release);
  const rules = remainingReaders(objects);
  return {
    istiodEnv: plane.env,
    ...(compatibility === undefined ? {} : { compatibilityVersion: compatibility }),
    telemetryProviders: providersOf(maps, plane),
    podAnnotations: unique(
      running.flatMap(({ annotations }) =>
        Object.keys(annotations).filter((name) => /^(?:sidecar|proxy)\.istio\.io\/|^istio\.io\//.test(name)),
      ),
    ),
    podWebhooks: [...podWebhooks(objects.mutating)],
    bundledDashboards: read(named, objects.dashboards)
      .filter(({ metadata: { name } }) => /^(?:istio|ztunnel|pilot)/.test(name))
      .map(({ metadata: meta }) => nameOf(meta)),
    storedApis: unique(objects.stored.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`)),
    dryRunPolicies: read(named, objects.authorizationPolicies)
      .filter(({ metadata: { annotations } }) => annotations["istio.io/dry-run"] === "true")
      .map(({ metadata: meta }) => nameOf(meta)),
    debugClients: clients(outside, /istiod[\w.-]*:15014\/|istiod[\w.-]*:\d+\/debug\//),
    plaintextXdsClients: clients(running, /istiod[\w.-]*:15010\b/),
    apiGeneratorClients: clients(outside, /xds:\/\/istiod|istiod[\w.-]*:15012\b.*generator|GENERATOR=api\b/),
    ...(rules === undefined ? {} : { remainingMetricReaders: rules }),
    ambientPodsWithoutDns: ambientPods
      .filter(
        ({ annotations }) =>
          cni?.["AMBIENT_DNS_CAPTURE"] !== "true" && annotations["ambient.istio.io/dns-capture"] !== "true",
      )
      .map(nameOf),
    cniExcludedNamespaces: unique((cni?.["EXCLUDE_NAMESPACES"] ?? "").split(",")),
    ambientNamespaces: unique([
      ...read(named, objects.namespaces)
        .filter(({ metadata: { labels } }) => labels["istio.io/dataplane-mode"] === "ambient")
        .map(({ metadata: { name } }) => name),
      ...ambientPods.map(({ namespace }) => namespace),
    ]),
    cniConfigReaders: unique(
      running.filter(readsCniConfig).map(({ namespace, owner }) => `${namespace}/${owner.name}`),
    ),
    unlabelledWorkloadEntries: read(named, objects.workloadEntries)
      .filter(
        ({ metadata: { labels, annotations } }) =>
          annotations["istio.io/autoRegistrationGroup"] !== undefined &&
          labels["networking.istio.io/tunnel"] !== "http",
      )
      .map(({ metadata: meta }) => nameOf(meta)),
    // ztunnel is told of every pod and service, in the mesh or not.
    ambientWorkloads: hasZtunnel ? running.length + objects.services.length : 0,
    nodeUntaint: plane.env["PILOT_ENABLE_NODE_UNTAINT_CONTROLLERS"] === "true",
    ...hostFacts(objects, running),
  };
}

const unique = (all: readonly string[]): string[] => [...new Set(all)].filter((one) => one !== "");

/** Of the release's values in the cluster; values from elsewhere may say it too, and then nobody knows. */
function compatibilityOf(release: FluxRelease | undefined): MeshFacts["compatibilityVersion"] {
  if (release === undefined || release.valuesElsewhere) return undefined;
  const values = z.object({ compatibilityVersion: z.string() }).safeParse(release.values);
  return values.success ? parseMinor(values.data.compatibilityVersion) : undefined;
}

const meshConfig = z.object({ extensionProviders: list(z.record(z.string(), z.unknown())) });

function providersOf(maps: readonly z.output<typeof map>[], plane: ControlPlane): MeshFacts["telemetryProviders"] {
  const name = plane.revision === "" ? "istio" : `istio-${plane.revision}`;
  const found = maps.find((one) => one.metadata.name === name);
  const text = found?.data["mesh"];
  if (text === undefined)
    throw new Unreadable(`the ConfigMap ${plane.namespace}/${name} with the mesh's configuration is missing`);
  const result = meshConfig.safeParse(yamlOf(text) ?? {});
  if (!result.success) throw new Unreadable(`the ConfigMap ${plane.namespace}/${name} cannot be read`);
  return result.data.extensionProviders.flatMap((provider) => {
    const { name: own } = provider;
    const kind = Object.keys(provider).find((key) => key !== "name");
    return typeof own === "string" && kind !== undefined ? [{ name: own, kind }] : [];
  });
}

function yamlOf(text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof Error && error.name === "YAMLParseError") return undefined;
    throw error;
  }
}

/** Who names an address of istiod in arguments or variables; what is in files of a container nobody sees. */
function clients(pods: readonly Pod[], pattern: RegExp): string[] {
  const says = ({ name, args, command, env }: Container): boolean =>
    name !== "istio-proxy" &&
    name !== "istio-init" &&
    [...args, ...command, ...env.map((one) => `${one.name}=${one.value ?? ""}`)].some((text) => pattern.test(text));
  return unique(
    pods
      .filter(({ fields, labels }) => labels["app"] !== "ztunnel" && fields.spec.containers.some(says))
      .map(({ namespace, owner }) => `${namespace}/${owner.name}`),
  );
}

/** A folder above or at it, or something in it. */
function holdsCniConfig(path: string): boolean {
  const [one, folder] = [`${path.replace(/\/+$/, "")}/`, "/etc/cni/net.d/"];
  return folder.startsWith(one) || one.startsWith(folder);
}

/** A container without root's rights that mounts the folder of CNI's configuration. */
function readsCniConfig({ fields: { spec }, labels }: Pod): boolean {
  if (labels["k8s-app"] === "istio-cni-node") return false;
  const volumes = spec.volumes
    .filter(({ hostPath }) => hostPath !== null && hostPath !== undefined && holdsCniConfig(hostPath.path))
    .map(({ name }) => name);
  return spec.containers.some(({ volumeMounts, securityContext }) => {
    const user = securityContext?.runAsUser ?? spec.securityContext?.runAsUser;
    return (
      securityContext?.privileged !== true && user !== 0 && volumeMounts.some(({ name }) => volumes.includes(name))
    );
  });
}

/** Rules and dashboards in the cluster; undefined: it has neither, so that they are elsewhere. */
function remainingReaders({ prometheusRules, dashboards }: MeshObjects): string[] | undefined {
  if (prometheusRules === undefined && dashboards.length === 0) return undefined;
  return [...(prometheusRules ?? []), ...dashboards]
    .filter((one) => /remaining_(?:cx|pending|rq|retries)/.test(JSON.stringify(one)))
    .map(({ kind, metadata: meta }) => `${kind} ${nameOf(meta)}`);
}
