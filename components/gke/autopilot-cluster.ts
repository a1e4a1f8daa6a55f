import { Cluster, type ClusterArgs } from "@pulumi/gcp/container/cluster.js";
import { all, type ComponentResourceOptions, type Input, type Output, unsecret } from "@pulumi/pulumi";
import { nodeTag, resourceName } from "../shared/naming.ts";
import { SwitchyardComponent, type Transform } from "../shared/switchyard-component.ts";
import { secondaryRanges } from "./cluster-network.ts";
import { kubeconfig } from "./kubeconfig.ts";

export type ReleaseChannel = "RAPID" | "REGULAR" | "STABLE";

export interface AutopilotClusterArgs {
  /** First part of every physical name. A change replaces the cluster. */
  readonly prefix: string;
  /** Project and region. A change replaces the cluster. */
  readonly project: string;
  readonly region: string;
  /** Ids of network and subnetwork; the subnetwork has the secondary ranges `pods` and `services`. A change replaces the cluster. */
  readonly networkId: Input<string>;
  readonly subnetworkId: Input<string>;
  /** Nodes without public addresses; the network then needs a NAT. Default true. A change replaces the cluster. */
  readonly privateNodes?: boolean | undefined;
  /** How early upgrades come. Default REGULAR. */
  readonly releaseChannel?: ReleaseChannel | undefined;
  /** Refuse to delete the cluster until this is false and has been applied. Default true, as the provider's own. */
  readonly deletionProtection?: boolean | undefined;
  /** Google's add-on that mounts secrets of Secret Manager into pods. Default false: not declared. A change updates the cluster. */
  readonly secretManager?: boolean | undefined;
  readonly transform?: { readonly cluster?: Transform<ClusterArgs> } | undefined;
}

/**
 * A regional, VPC-native Autopilot cluster with private nodes, a public control plane, workload identity and a node
 * tag for the balancer's firewall rule.
 *
 * @example
 * const network = new ClusterNetwork("agent-network", { prefix, project, region });
 * new AutopilotCluster("agent-cluster", { prefix, project, region, networkId: network.networkId, subnetworkId: network.subnetworkId });
 */
export class AutopilotCluster extends SwitchyardComponent {
  /** Name of the cluster. */
  readonly clusterName: Output<string>;
  /** Address of the control plane. */
  readonly endpoint: Output<string>;
  /** Kubeconfig without credentials (gke-gcloud-auth-plugin fetches a token). */
  readonly kubeconfig: Output<string>;
  /** The pool of identities of Kubernetes service accounts, PROJECT.svc.id.goog. */
  readonly workloadPool: string;
  /** Zones in which nodes, and so endpoint groups, can be. */
  readonly zones: Output<string[]>;

  constructor(name: string, args: AutopilotClusterArgs, opts: ComponentResourceOptions = {}) {
    super("switchyard:gke:AutopilotCluster", name, opts);
    this.workloadPool = `${args.project}.svc.id.goog`;

    const cluster = this.child(
      Cluster,
      "autopilot",
      {
        name: resourceName("cluster", args.prefix, "gke"),
        project: args.project,
        location: args.region,
        enableAutopilot: true,
        networkingMode: "VPC_NATIVE",
        network: args.networkId,
        subnetwork: args.subnetworkId,
        ipAllocationPolicy: {
          clusterSecondaryRangeName: secondaryRanges.pods,
          servicesSecondaryRangeName: secondaryRanges.services,
        },
        privateClusterConfig: { enablePrivateNodes: args.privateNodes ?? true, enablePrivateEndpoint: false },
        releaseChannel: { channel: args.releaseChannel ?? "REGULAR" },
        workloadIdentityConfig: { workloadPool: this.workloadPool },
        nodePoolAutoConfig: { networkTags: { tags: [nodeTag(args.prefix)] } },
        deletionProtection: args.deletionProtection ?? true,
        ...(args.secretManager === true && { secretManagerConfig: { enabled: true } }),
      },
      { transform: args.transform?.cluster },
    );

    this.clusterName = cluster.name;
    this.endpoint = cluster.endpoint;
    this.zones = cluster.nodeLocations;
    // The provider marks all of masterAuth as secret; a CA certificate is public.
    const certificate = unsecret(cluster.masterAuth.clusterCaCertificate);
    this.kubeconfig = all([cluster.name, cluster.endpoint, certificate]).apply(
      ([clusterName, endpoint, caCertificate]) => kubeconfig({ name: clusterName, endpoint, caCertificate }),
    );
    this.registerOutputs({
      clusterName: this.clusterName,
      endpoint: this.endpoint,
      kubeconfig: this.kubeconfig,
      workloadPool: this.workloadPool,
      zones: this.zones,
    });
  }
}
