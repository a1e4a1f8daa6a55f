import { Network, type NetworkArgs } from "@pulumi/gcp/compute/network.js";
import { Router, type RouterArgs } from "@pulumi/gcp/compute/router.js";
import { RouterNat, type RouterNatArgs } from "@pulumi/gcp/compute/routerNat.js";
import { Subnetwork, type SubnetworkArgs } from "@pulumi/gcp/compute/subnetwork.js";
import type { ComponentResourceOptions, Output } from "@pulumi/pulumi";
import { networkName, resourceName } from "../shared/naming.ts";
import { SwitchyardComponent, type Transform } from "../shared/switchyard-component.ts";

/** Names of the secondary ranges that make the cluster VPC-native. */
export const secondaryRanges = { pods: "pods", services: "services" } as const;

export interface ClusterNetworkArgs {
  /** First part of every physical name. A change replaces everything. */
  readonly prefix: string;
  /** Project and region; a change replaces everything. */
  readonly project: string;
  readonly region: string;
  /** Range of the nodes. Default 10.0.0.0/20 (4,092 addresses). A change to one that does not contain it replaces the subnetwork. */
  readonly nodeRange?: string;
  /** Range of the pods. Default 10.4.0.0/14. A change replaces the cluster. */
  readonly podRange?: string;
  /** Range of the services. Default 10.8.0.0/20. A change replaces the cluster. */
  readonly serviceRange?: string;
  /** Make a NAT, the way out for nodes without public addresses. Default true. */
  readonly nat?: boolean;
  readonly transform?:
    | {
        readonly network?: Transform<NetworkArgs>;
        readonly subnetwork?: Transform<SubnetworkArgs>;
        readonly router?: Transform<RouterArgs>;
        readonly nat?: Transform<RouterNatArgs>;
      }
    | undefined;
}

/**
 * The network of a VPC-native cluster with private nodes: one subnetwork with ranges for pods and services, and a NAT,
 * without which private nodes reach nothing outside Google.
 *
 * @example new ClusterNetwork("agent-network", { prefix: "kiro", project: "my-project", region: "us-central1" });
 */
export class ClusterNetwork extends SwitchyardComponent {
  /** Name of the network. */
  readonly networkName: Output<string>;
  /** Id of the network, for the cluster. */
  readonly networkId: Output<string>;
  /** Id of the subnetwork, for the cluster. */
  readonly subnetworkId: Output<string>;

  constructor(name: string, args: ClusterNetworkArgs, opts: ComponentResourceOptions = {}) {
    super("switchyard:gke:ClusterNetwork", name, opts);
    const { prefix, project, region } = args;

    const network = this.child(
      Network,
      "vpc",
      { name: networkName(prefix), project, autoCreateSubnetworks: false, routingMode: "REGIONAL" },
      { transform: args.transform?.network },
    );

    const subnetwork = this.child(
      Subnetwork,
      "subnet",
      {
        name: resourceName("compute", prefix, "gke"),
        project,
        region,
        network: network.id,
        ipCidrRange: args.nodeRange ?? "10.0.0.0/20",
        secondaryIpRanges: [
          { rangeName: secondaryRanges.pods, ipCidrRange: args.podRange ?? "10.4.0.0/14" },
          { rangeName: secondaryRanges.services, ipCidrRange: args.serviceRange ?? "10.8.0.0/20" },
        ],
        privateIpGoogleAccess: true,
      },
      { transform: args.transform?.subnetwork },
    );

    if (args.nat ?? true) this.#createNat(args, network);

    this.networkName = network.name;
    this.networkId = network.id;
    this.subnetworkId = subnetwork.id;
    this.registerOutputs({
      networkName: this.networkName,
      networkId: this.networkId,
      subnetworkId: this.subnetworkId,
    });
  }

  #createNat(args: ClusterNetworkArgs, network: Network): void {
    const { prefix, project, region } = args;
    const router = this.child(
      Router,
      "router",
      { name: resourceName("compute", prefix, "router"), project, region, network: network.id },
      { transform: args.transform?.router },
    );

    this.child(
      RouterNat,
      "nat",
      {
        name: resourceName("compute", prefix, "nat"),
        project,
        region,
        router: router.name,
        natIpAllocateOption: "AUTO_ONLY",
        sourceSubnetworkIpRangesToNat: "ALL_SUBNETWORKS_ALL_IP_RANGES",
        logConfig: { enable: true, filter: "ERRORS_ONLY" },
      },
      { transform: args.transform?.nat },
    );
  }
}
