import { AccessEntry, type AccessEntryArgs } from "@pulumi/aws/eks/accessEntry.js";
import { Role, type RoleArgs } from "@pulumi/aws/iam/role.js";
import { RolePolicy, type RolePolicyArgs } from "@pulumi/aws/iam/rolePolicy.js";
import { ClusterRole, type ClusterRoleArgs } from "@pulumi/kubernetes/rbac/v1/clusterRole.js";
import { ClusterRoleBinding } from "@pulumi/kubernetes/rbac/v1/clusterRoleBinding.js";
import { Role as NamespaceRole } from "@pulumi/kubernetes/rbac/v1/role.js";
import { RoleBinding } from "@pulumi/kubernetes/rbac/v1/roleBinding.js";
import type { ComponentResourceOptions, Output } from "@pulumi/pulumi";
import { prefixForm, prefixPattern, resourceName } from "../shared/naming.ts";
import { SwitchyardComponent, type Transform } from "../shared/switchyard-component.ts";
import { checkDistinct, checkPattern, type Problem, rejectProblems } from "../shared/validation.ts";
import { checkArn } from "./arns.ts";
import { clusterRules, istioctlRules } from "./cluster-rules.ts";
import { policyDocument } from "./policy-document.ts";

/** Group that EKS gives the role inside the cluster; none of the prefixes that EKS keeps for itself. */
const group = "switchyard-guard";

export interface GuardClusterRoleArgs {
  /** First part of the role's name, 1-20 lower-case letters, digits and hyphens. A change replaces the role. */
  readonly prefix: string;
  /** The cluster, by ARN. A change replaces the role. */
  readonly clusterArn: string;
  /** Who may take the role: GuardRole.roleArn, as text. */
  readonly guardRoleArn: string;
  /** Asked for when the role is taken, where accounts belong to others. Default none. */
  readonly externalId?: string;
  /** Let EKS map the role to the cluster's group; false where the aws-auth config map does. Default true. */
  readonly accessEntry?: boolean;
  /**
   * Namespaces of control planes, for example istio-system, in which istioctl may forward ports: `istioctl version` and `proxy-status`
   * need it. Default none: guard then reads versions from pods alone.
   */
  readonly istioctlNamespaces?: readonly string[];
  /** The way to reach what the args do not offer. */
  readonly transform?: {
    readonly role?: Transform<RoleArgs>;
    readonly policy?: Transform<RolePolicyArgs>;
    readonly accessEntry?: Transform<AccessEntryArgs>;
    readonly clusterRole?: Transform<ClusterRoleArgs>;
  };
}

/**
 * Guard's way into one EKS cluster: a role in the cluster's account that reads what EKS says of this cluster, and inside it may read what evidence
 * is made of, restart workloads and ask Flux to look. Providers of the account and of the cluster come in through `opts.providers`.
 *
 * @example
 * const role = new GuardClusterRole("prod-eu", {
 *   prefix: "switchyard", clusterArn: "arn:aws:eks:eu-central-1:111122223333:cluster/prod-eu",
 *   guardRoleArn: "arn:aws:iam::444455556666:role/switchyard-guard", istioctlNamespaces: ["istio-system"],
 * }, { providers: { aws: account, kubernetes: cluster } });
 */
export class GuardClusterRole extends SwitchyardComponent {
  /** What the registry calls aws_role_arn. */
  readonly roleArn: Output<string>;

  constructor(name: string, args: GuardClusterRoleArgs, opts: ComponentResourceOptions = {}) {
    rejectProblems(`switchyard:guard:GuardClusterRole ${name}`, problemsOf(args));
    super("switchyard:guard:GuardClusterRole", name, opts);
    const { transform, clusterArn, istioctlNamespaces = [] } = args;
    const clusterName = clusterArn.slice(clusterArn.indexOf("/") + 1);

    const role = this.child(
      Role,
      "role",
      {
        name: resourceName("iamRole", args.prefix, "guard", nameOf(clusterName)),
        description: `Switchyard guard in the EKS cluster ${clusterName}`,
        assumeRolePolicy: policyDocument([
          {
            Sid: "Trust",
            Action: ["sts:AssumeRole"],
            Principal: { AWS: [args.guardRoleArn] },
            ...(args.externalId === undefined
              ? {}
              : { Condition: { StringEquals: { "sts:ExternalId": args.externalId } } }),
          },
        ]),
      },
      { transform: transform?.role },
    );
    this.child(
      RolePolicy,
      "policy",
      {
        name: "guard",
        role: role.name,
        policy: policyDocument([
          {
            Sid: "Cluster",
            Action: ["eks:DescribeCluster", "eks:DescribeUpdate", "eks:ListInsights", "eks:ListUpdates"],
            Resource: [clusterArn],
          },
        ]),
      },
      { transform: transform?.policy },
    );
    if (args.accessEntry ?? true)
      this.child(
        AccessEntry,
        "access",
        { clusterName, principalArn: role.arn, kubernetesGroups: [group], type: "STANDARD" },
        { transform: transform?.accessEntry },
      );

    const subjects = [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: group }];
    const clusterRole = this.child(
      ClusterRole,
      "rules",
      { metadata: { name: group }, rules: [...clusterRules] },
      { transform: transform?.clusterRole },
    );
    this.child(ClusterRoleBinding, "binding", {
      metadata: { name: group },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: clusterRole.metadata.name },
      subjects,
    });
    for (const namespace of istioctlNamespaces) {
      const metadata = { name: `${group}-istioctl`, namespace };
      const rules = this.child(NamespaceRole, `istioctl-${namespace}`, { metadata, rules: [...istioctlRules] });
      this.child(RoleBinding, `istioctl-${namespace}-binding`, {
        metadata,
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: rules.metadata.name },
        subjects,
      });
    }

    this.roleArn = role.arn;
    this.registerOutputs({ roleArn: this.roleArn });
  }
}

/** A cluster's name may have capitals and underscores; a part of a role's name here has neither. */
const nameOf = (cluster: string): string => cluster.toLowerCase().replaceAll("_", "-").replace(/-+$/, "");

const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

function problemsOf(args: GuardClusterRoleArgs): Problem[] {
  const { istioctlNamespaces = [], externalId } = args;
  return [
    ...checkPattern("prefix", args.prefix, prefixPattern, prefixForm),
    ...checkArn("clusterArn", args.clusterArn, "cluster"),
    ...checkArn("guardRoleArn", args.guardRoleArn, "role"),
    ...(externalId === undefined
      ? []
      : checkPattern("externalId", externalId, /^[\w+=,.@:/-]{2,1224}$/, "2 to 1,224 letters, digits and _+=,.@:/-")),
    ...checkDistinct("istioctlNamespaces", istioctlNamespaces, 0),
    ...istioctlNamespaces.flatMap((namespace, index) =>
      checkPattern(`istioctlNamespaces[${index}]`, namespace, label, "a namespace, for example istio-system"),
    ),
  ];
}
