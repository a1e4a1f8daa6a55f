import { Account, type AccountArgs } from "@pulumi/gcp/serviceaccount/account.js";
import { IAMMember, type IAMMemberArgs } from "@pulumi/gcp/serviceaccount/iammember.js";
import { type ComponentResourceOptions, interpolate, type Output } from "@pulumi/pulumi";
import { resourceName } from "../shared/naming.ts";
import { SwitchyardComponent, type Transform } from "../shared/switchyard-component.ts";

export interface WorkloadIdentityArgs {
  /** First part of the account's id. A change replaces the account. */
  readonly prefix: string;
  /** Project. A change replaces the account. */
  readonly project: string;
  /** The cluster's workload pool, PROJECT.svc.id.goog. A change replaces the binding. */
  readonly workloadPool: string;
  /** The Kubernetes service account that may act as this one. A change replaces the binding. */
  readonly namespace: string;
  readonly serviceAccountName: string;
  readonly transform?:
    | { readonly account?: Transform<AccountArgs>; readonly binding?: Transform<IAMMemberArgs> }
    | undefined;
}

/**
 * A Google service account that one Kubernetes service account may act as, without keys. It has no role of its own:
 * the agent keeps its state elsewhere.
 *
 * @example new WorkloadIdentity("agent-identity", { prefix, project, workloadPool, namespace: "kiro", serviceAccountName: "kiro-agent" });
 */
export class WorkloadIdentity extends SwitchyardComponent {
  /** E-mail of the Google service account. */
  readonly email: Output<string>;

  constructor(name: string, args: WorkloadIdentityArgs, opts: ComponentResourceOptions = {}) {
    super("switchyard:gke:WorkloadIdentity", name, opts);

    const account = this.child(
      Account,
      "account",
      {
        accountId: resourceName("serviceAccount", args.prefix, "gke", "sa"),
        project: args.project,
        displayName: `Agent ${args.prefix} on GKE`,
      },
      { transform: args.transform?.account },
    );

    this.child(
      IAMMember,
      "user",
      {
        serviceAccountId: account.name,
        role: "roles/iam.workloadIdentityUser",
        member: interpolate`serviceAccount:${args.workloadPool}[${args.namespace}/${args.serviceAccountName}]`,
      },
      { transform: args.transform?.binding },
    );

    this.email = account.email;
    this.registerOutputs({ email: this.email });
  }
}
