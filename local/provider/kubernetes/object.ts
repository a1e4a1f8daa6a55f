import type { Cluster, KubernetesObject, ObjectReference } from "../../autopilot/cluster.ts";
import { InitializationError, ProviderError } from "../errors.ts";
import type { OperationContext, Properties, ResourceState, ResourceType } from "../resource-type.ts";
import { object, text, textOr } from "../values.ts";
import type { KindDescription } from "./kinds.ts";

/** How long the provider waits for an object, seconds (pulumi-kubernetes: Deployment and Service, 10 minutes). */
const awaitSeconds = 600;

/** metadata that the API server writes; an import does not make inputs of it. */
const serverMetadata = [
  "creationTimestamp",
  "deletionTimestamp",
  "generation",
  "managedFields",
  "resourceVersion",
  "uid",
];

/** One kind of Kubernetes object: applied to the cluster that the connection's kubeconfig names. */
export function kubernetesObject(kind: KindDescription): ResourceType {
  return {
    token: kind.token,
    replaceOn: ["metadata.name", "metadata.namespace", ...kind.replaceOn],
    autoName: { property: "metadata.name", maxLength: 253, hexDigits: 8, annotation: "pulumi.com/autonamed" },
    ...(kind.secretOutputs !== undefined && { secretOutputs: kind.secretOutputs }),
    unknownAtPreview: [
      "metadata.uid",
      "metadata.resourceVersion",
      "metadata.creationTimestamp",
      ...kind.decidedByCluster,
    ],
    defaults: (_inputs, settings) => ({
      apiVersion: kind.apiVersion,
      kind: kind.kind,
      ...(kind.namespaced && { metadata: { namespace: settings.namespace ?? "default" } }),
    }),
    id: (inputs) => {
      const metadata = object(inputs, "metadata");
      const name = textOr(metadata, "name", "");
      return kind.namespaced ? `${textOr(metadata, "namespace", "default")}/${name}` : name;
    },
    outputs: (inputs) => inputs,
    create: (state, context) => apply(kind, state, context),
    update: (state, _previous, context) => apply(kind, state, context),
    restore: async (state, context) => {
      // Its endpoint groups were there before the restart.
      await clusterOf(context).apply(manifest(kind, state), { existing: true });
    },
    read: async (state, context) => {
      const live = clusterOf(context).get(reference(kind, state));
      return live === undefined ? undefined : { id: state.id, inputs: inputsOf(live), outputs: live };
    },
    delete: async (state, context) => {
      const cluster = clusterOf(context);
      const which = reference(kind, state);
      if (cluster.get(which) !== undefined) await cluster.delete(which);
    },
  };
}

async function apply(kind: KindDescription, state: ResourceState, context: OperationContext): Promise<Properties> {
  const cluster = clusterOf(context);
  const applied = await cluster.apply(manifest(kind, state));
  const annotations = object(object(state.inputs, "metadata"), "annotations");
  if (annotations["pulumi.com/skipAwait"] === "true") return applied;
  const which = reference(kind, state);
  const limit = new AbortController();
  const seconds = Number(text(annotations, "pulumi.com/timeoutSeconds") ?? awaitSeconds);
  const timer = context.cloud.clock.setTimeout(
    () => limit.abort(new ProviderError(`the ${kind.kind} was not ready within ${seconds} s`)),
    seconds * 1000,
  );
  try {
    return await cluster.ready(which, AbortSignal.any([context.signal, limit.signal]));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const name = `${kind.kind} ${state.id}`;
    throw new InitializationError(
      [`${name} was applied but did not become ready: ${error.message}`],
      cluster.get(which) ?? applied,
      {
        cause: error,
      },
    );
  } finally {
    timer.cancel();
  }
}

function manifest(kind: KindDescription, state: ResourceState): KubernetesObject {
  const metadata = object(state.inputs, "metadata");
  const which = reference(kind, state);
  return {
    ...state.inputs,
    apiVersion: kind.apiVersion,
    kind: kind.kind,
    metadata: { ...metadata, name: which.name, ...(which.namespace !== undefined && { namespace: which.namespace }) },
  };
}

function reference(kind: KindDescription, state: ResourceState): ObjectReference {
  const slash = state.id.indexOf("/");
  const namespace = slash < 0 ? "default" : state.id.slice(0, slash);
  return {
    apiVersion: kind.apiVersion,
    kind: kind.kind,
    namespace: kind.namespaced ? namespace : undefined,
    name: state.id.slice(slash + 1),
  };
}

/** The inputs that would declare a live object. */
function inputsOf(live: KubernetesObject): Properties {
  const { status: _status, ...rest } = live;
  const metadata = Object.entries(live.metadata).filter(([key]) => !serverMetadata.includes(key));
  return { ...rest, metadata: Object.fromEntries(metadata) };
}

/** The cluster of the connection. Errors: ProviderError with the clusters that there are. */
function clusterOf(context: OperationContext): Cluster {
  const { cloud, settings } = context;
  const endpoint = settings.cluster;
  const cluster = endpoint === undefined ? undefined : cloud.clusters.get(endpoint);
  if (cluster !== undefined) return cluster;
  const known = cloud.resources
    .list("gcp:container/cluster:Cluster")
    .map((resource) => resource.outputs["endpoint"])
    .filter((value) => typeof value === "string");
  const clusters =
    known.length === 0
      ? "It has no cluster: create a gcp.container.Cluster first."
      : `Its clusters: ${known.join(", ")}.`;
  throw new ProviderError(
    endpoint === undefined
      ? `configured Kubernetes cluster is unreachable: no kubeconfig. Give resources a kubernetes.Provider with the kubeconfig of a cluster of the local cloud. ${clusters}`
      : `configured Kubernetes cluster is unreachable: the local cloud has no cluster at ${endpoint}, the server of the kubeconfig's current context. ${clusters}`,
  );
}
