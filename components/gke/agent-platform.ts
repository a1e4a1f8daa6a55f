import { SecretIamMember } from "@pulumi/gcp/secretmanager/secretIamMember.js";
import { Provider } from "@pulumi/kubernetes/provider.js";
import { type ComponentResourceOptions, type Input, interpolate, type Output } from "@pulumi/pulumi";
import { type FailBackArgs, failBackEnvironment, failBackProblems } from "../shared/fail-back.ts";
import { checkImage } from "../shared/images.ts";
import { prefixForm, prefixPattern, resourceName } from "../shared/naming.ts";
import { distinctSecrets, type SecretReferences, secretProblems } from "../shared/secrets.ts";
import { SwitchyardComponent } from "../shared/switchyard-component.ts";
import { checkPattern, type Problem, rejectProblems } from "../shared/validation.ts";
import { AgentWorkload, type AgentWorkloadArgs } from "./agent-workload.ts";
import { AutopilotCluster, type AutopilotClusterArgs, type ReleaseChannel } from "./autopilot-cluster.ts";
import { ClusterNetwork, type ClusterNetworkArgs } from "./cluster-network.ts";
import { type GkeSettings, gkeRanges, gkeSettingProblems } from "./settings.ts";
import { WorkloadIdentity, type WorkloadIdentityArgs } from "./workload-identity.ts";

export interface AgentPlatformArgs {
  /** First part of every name, 1-20 lower-case letters, digits and hyphens. A change replaces everything. */
  readonly prefix: string;
  /** Project and region. A change replaces everything. */
  readonly project: string;
  readonly region: string;
  /** The agent's image with tag or digest. A change rolls the pods without a gap. */
  readonly image: Input<string>;
  /** Pods at the start and at least. Default 2, 1-1000. Later changes go through the autoscaler's minimum. */
  readonly replicas?: number;
  /** Pods at most. Default 10, at least `replicas`. */
  readonly maxReplicas?: number;
  /** CPU use at which the autoscaler adds pods, in percent of the request. Default 60, 10-95. */
  readonly cpuUtilization?: number;
  /** vCPU per pod, request and limit. Default "1"; Autopilot: 50m-30. A change rolls the pods. */
  readonly cpu?: string;
  /** Memory per pod, request and limit. Default "1Gi"; Autopilot: 1-6.5 GiB per vCPU. A change rolls the pods. */
  readonly memory?: string;
  /** Longest request, in seconds. Default 300. The drain must last as long. */
  readonly requestTimeoutSeconds?: number;
  /** Time that requests in flight have when a pod ends, in seconds. Default `requestTimeoutSeconds`. */
  readonly drainSeconds?: number;
  /** Time a pod keeps serving after its end was decided, in seconds. Default 40, 0-300. */
  readonly preStopSeconds?: number;
  /** Nodes without public addresses, and a NAT for their way out. Default true. A change replaces the cluster. */
  readonly privateNodes?: boolean;
  /** How early the cluster's upgrades come. Default REGULAR. */
  readonly releaseChannel?: ReleaseChannel;
  /** Refuse to delete the cluster until this is false and applied. Default true. */
  readonly deletionProtection?: boolean;
  /** Lets pods hand requests back to another platform when told to. Default none: never. A change rolls the pods. */
  readonly failBack?: FailBackArgs | undefined;
  /** Further environment variables of the agent. A change rolls the pods. */
  readonly environment?: Readonly<Record<string, Input<string>>>;
  /**
   * Variables whose values are secrets: `projects/P/secrets/S/versions/V` each. The cluster's Secret Manager add-on mounts them for
   * the agent, under the pods' own account; only the names are in the state and in the cluster. A change rolls the pods.
   */
  readonly secrets?: SecretReferences;
  /** The way to reach what the args do not offer, by part. */
  readonly transform?: {
    readonly network?: ClusterNetworkArgs["transform"];
    readonly cluster?: AutopilotClusterArgs["transform"];
    readonly identity?: WorkloadIdentityArgs["transform"];
    readonly workload?: AgentWorkloadArgs["transform"];
  };
}

/**
 * The agent on GKE, whole: network, Autopilot cluster, identity, workload. Once it stands, GKE makes one endpoint
 * group `<prefix>-gke` per zone that has pods; the `traffic` program attaches them.
 *
 * @example
 * const platform = new AgentPlatform("agent", { prefix: "kiro", project: "my-project", region: "us-central1", image });
 * export const groups = platform.endpointGroupName;
 */
export class AgentPlatform extends SwitchyardComponent {
  /** Name of the endpoint groups. */
  readonly endpointGroupName: string;
  /** Zones in which endpoint groups can appear. */
  readonly zones: Output<string[]>;
  /** Namespace of the workload. */
  readonly namespace: string;
  /** Name of the Deployment. */
  readonly deploymentName: Output<string>;
  /** Name and control-plane address of the cluster. */
  readonly clusterName: Output<string>;
  readonly endpoint: Output<string>;
  /** Kubeconfig without credentials. */
  readonly kubeconfig: Output<string>;
  /** Google service account of the pods. */
  readonly identityEmail: Output<string>;

  constructor(name: string, args: AgentPlatformArgs, opts: ComponentResourceOptions = {}) {
    const settings = withDefaults(args);
    rejectProblems(`switchyard:gke:AgentPlatform ${name}`, argProblems(args, settings));
    super("switchyard:gke:AgentPlatform", name, opts);

    const { prefix, project, region } = args;
    const place = { prefix, project, region };
    const privateNodes = args.privateNodes ?? true;
    const secrets = distinctSecrets(args.secrets ?? {});
    this.namespace = resourceName("kubernetes", prefix);
    const serviceAccountName = resourceName("kubernetes", prefix, "agent");

    const network = new ClusterNetwork(
      this.childName("network"),
      { ...place, nat: privateNodes, transform: args.transform?.network },
      { parent: this },
    );
    const cluster = new AutopilotCluster(
      this.childName("cluster"),
      {
        ...place,
        networkId: network.networkId,
        subnetworkId: network.subnetworkId,
        privateNodes,
        releaseChannel: args.releaseChannel,
        deletionProtection: args.deletionProtection,
        secretManager: secrets.length > 0,
        transform: args.transform?.cluster,
      },
      // Without the way out the first image pull of a private node fails.
      { parent: this, dependsOn: network },
    );
    const identity = new WorkloadIdentity(
      this.childName("identity"),
      {
        prefix,
        project,
        workloadPool: cluster.workloadPool,
        namespace: this.namespace,
        serviceAccountName,
        transform: args.transform?.identity,
      },
      // The pool exists only once the project's first cluster with workload identity does.
      { parent: this, dependsOn: cluster },
    );
    const readers = secrets.map(({ project: owner, secret }) =>
      this.child(SecretIamMember, `secret-${secret}`, {
        project: owner,
        secretId: secret,
        role: "roles/secretmanager.secretAccessor",
        member: interpolate`serviceAccount:${identity.email}`,
      }),
    );
    const provider = new Provider(
      this.childName("kubernetes"),
      { kubeconfig: cluster.kubeconfig, enableServerSideApply: true },
      { parent: this },
    );
    const workload = new AgentWorkload(
      this.childName("workload"),
      {
        ...settings,
        prefix,
        namespace: this.namespace,
        serviceAccountName,
        identityEmail: identity.email,
        clusterName: cluster.clusterName,
        image: args.image,
        environment: { ...failBackEnvironment(args.failBack), ...args.environment },
        secrets: args.secrets,
        transform: args.transform?.workload,
      },
      { parent: this, providers: { kubernetes: provider }, dependsOn: [identity, ...readers] },
    );

    this.endpointGroupName = workload.endpointGroupName;
    this.zones = cluster.zones;
    this.deploymentName = workload.deploymentName;
    this.clusterName = cluster.clusterName;
    this.endpoint = cluster.endpoint;
    this.kubeconfig = cluster.kubeconfig;
    this.identityEmail = identity.email;
    this.registerOutputs({
      endpointGroupName: this.endpointGroupName,
      zones: this.zones,
      namespace: this.namespace,
      deploymentName: this.deploymentName,
      clusterName: this.clusterName,
      endpoint: this.endpoint,
      kubeconfig: this.kubeconfig,
      identityEmail: this.identityEmail,
    });
  }
}

function withDefaults(args: AgentPlatformArgs): GkeSettings {
  const replicas = args.replicas ?? gkeRanges.replicas.default;
  const requestTimeoutSeconds = args.requestTimeoutSeconds ?? gkeRanges.requestTimeoutSeconds.default;
  return {
    replicas,
    maxReplicas: args.maxReplicas ?? Math.max(replicas, gkeRanges.maxReplicas.default),
    cpuUtilization: args.cpuUtilization ?? gkeRanges.cpuUtilization.default,
    cpu: args.cpu ?? "1",
    memory: args.memory ?? "1Gi",
    requestTimeoutSeconds,
    drainSeconds: args.drainSeconds ?? requestTimeoutSeconds,
    preStopSeconds: args.preStopSeconds ?? gkeRanges.preStopSeconds.default,
  };
}

function argProblems(args: AgentPlatformArgs, settings: GkeSettings): Problem[] {
  return [
    ...checkPattern("prefix", args.prefix, prefixPattern, prefixForm),
    ...(typeof args.image === "string" ? checkImage("image", args.image) : []),
    ...failBackProblems(args.failBack),
    ...secretProblems(args.secrets ?? {}, args.environment ?? {}),
    ...gkeSettingProblems(settings),
  ];
}
