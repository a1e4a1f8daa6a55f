import { Role, type RoleArgs } from "@pulumi/aws/iam/role.js";
import { RolePolicy, type RolePolicyArgs } from "@pulumi/aws/iam/rolePolicy.js";
import { type ComponentResourceOptions, type Input, type Output, output } from "@pulumi/pulumi";
import { prefixForm, prefixPattern, resourceName } from "../shared/naming.ts";
import { SwitchyardComponent, type Transform } from "../shared/switchyard-component.ts";
import { checkDistinct, checkInteger, checkPattern, type Problem, rejectProblems } from "../shared/validation.ts";
import { checkArn, checkArns, regionForm, regionPattern } from "./arns.ts";
import { type PolicyStatement, policyDocument } from "./policy-document.ts";
import { batchIndex } from "./registry-table.ts";

const sessionSeconds = { default: 3_600, min: 3_600, max: 43_200, unit: "s" } as const;

/** Who may take the role: roles of this or other accounts, or jobs with a token of an OIDC provider. */
export type GuardTrust =
  | { readonly roleArns: readonly string[] }
  | {
      readonly oidc: {
        readonly providerArn: string;
        /** Audience of the token, for example https://gitlab.com. */
        readonly audience: string;
        /** Whole subjects, for example project_path:platform/guard:ref_type:branch:ref:main; no pattern. */
        readonly subjects: readonly string[];
      };
    };

export interface GuardRoleArgs {
  /** First part of the role's name, 1-20 lower-case letters, digits and hyphens. A change replaces the role. */
  readonly prefix: string;
  readonly trust: GuardTrust;
  /** Guard's table: RegistryTable.tableArn. */
  readonly tableArn: Input<string>;
  /** Roles in the clusters' accounts: GuardClusterRole.roleArn of each. Nothing else is assumed. */
  readonly clusterRoleArns: readonly string[];
  /** Secrets that guard.*_from names with secrets-manager:, by whole ARN. Default none. */
  readonly secretArns?: readonly string[];
  /** Keys of these secrets or of the table, where they are not AWS's own. Default none. */
  readonly kmsKeyArns?: readonly string[];
  /** Regions whose metrics and alarms are read. Default none. */
  readonly cloudWatchRegions?: readonly string[];
  /** Bus that is told of every change. Default none. */
  readonly eventBusArn?: string;
  /** How long a session may last, 3,600 to 43,200 s. Default 3,600. */
  readonly maxSessionSeconds?: number;
  /** The way to reach what the args do not offer. */
  readonly transform?: { readonly role?: Transform<RoleArgs>; readonly policy?: Transform<RolePolicyArgs> };
}

/**
 * The role that guard runs as: its table, the named secrets, the listed roles of clusters, and metrics to read. It may not make or delete the
 * table, write a secret, or take any other role.
 *
 * @example
 * const role = new GuardRole("guard", {
 *   prefix: "switchyard", tableArn: table.tableArn, clusterRoleArns: ["arn:aws:iam::111122223333:role/switchyard-guard-prod-eu"],
 *   trust: { roleArns: ["arn:aws:iam::444455556666:role/gitlab-runner"] },
 * });
 */
export class GuardRole extends SwitchyardComponent {
  readonly roleArn: Output<string>;

  constructor(name: string, args: GuardRoleArgs, opts: ComponentResourceOptions = {}) {
    rejectProblems(`switchyard:guard:GuardRole ${name}`, problemsOf(args));
    super("switchyard:guard:GuardRole", name, opts);
    const { transform } = args;
    const role = this.child(
      Role,
      "role",
      {
        name: resourceName("iamRole", args.prefix, "guard"),
        description: "Switchyard guard: mesh upgrades over a fleet",
        assumeRolePolicy: policyDocument([trustStatement(args.trust)]),
        maxSessionDuration: args.maxSessionSeconds ?? sessionSeconds.default,
      },
      { transform: transform?.role },
    );
    this.child(
      RolePolicy,
      "policy",
      {
        name: "guard",
        role: role.name,
        policy: output(args.tableArn).apply((tableArn) => policyDocument(statements(args, tableArn))),
      },
      { transform: transform?.policy },
    );
    this.roleArn = role.arn;
    this.registerOutputs({ roleArn: this.roleArn });
  }
}

function trustStatement(trust: GuardTrust): PolicyStatement {
  if ("roleArns" in trust) return { Sid: "Trust", Action: ["sts:AssumeRole"], Principal: { AWS: trust.roleArns } };
  const { providerArn, audience, subjects } = trust.oidc;
  const issuer = providerArn.slice(providerArn.indexOf("oidc-provider/") + "oidc-provider/".length);
  return {
    Sid: "Trust",
    Action: ["sts:AssumeRoleWithWebIdentity"],
    Principal: { Federated: [providerArn] },
    Condition: { StringEquals: { [`${issuer}:aud`]: audience, [`${issuer}:sub`]: subjects } },
  };
}

function statements(args: GuardRoleArgs, tableArn: string): readonly PolicyStatement[] {
  const { secretArns = [], kmsKeyArns = [], cloudWatchRegions = [], eventBusArn } = args;
  return [
    {
      Sid: "Table",
      Action: [
        "dynamodb:BatchGetItem",
        "dynamodb:DeleteItem",
        "dynamodb:DescribeTable",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "dynamodb:UpdateItem",
      ],
      Resource: [tableArn],
    },
    { Sid: "Batches", Action: ["dynamodb:Query", "dynamodb:Scan"], Resource: [`${tableArn}/index/${batchIndex}`] },
    { Sid: "Secrets", Action: ["secretsmanager:GetSecretValue"], Resource: secretArns },
    { Sid: "Keys", Action: ["kms:Decrypt"], Resource: kmsKeyArns },
    { Sid: "Clusters", Action: ["sts:AssumeRole"], Resource: args.clusterRoleArns },
    { Sid: "Events", Action: ["events:PutEvents"], Resource: eventBusArn === undefined ? [] : [eventBusArn] },
    // CloudWatch knows no resources for these two; the regions are what can be told apart.
    ...(cloudWatchRegions.length === 0
      ? []
      : [
          {
            Sid: "Metrics",
            Action: ["cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData"],
            Resource: ["*"],
            Condition: { StringEquals: { "aws:RequestedRegion": cloudWatchRegions } },
          },
        ]),
  ];
}

/** A whole name, in which nothing stands for several. */
const exact = /^[^*?\s]{1,500}$/;

function trustProblems(trust: GuardTrust): Problem[] {
  if ("roleArns" in trust)
    return [
      ...checkDistinct("trust.roleArns", trust.roleArns, 1),
      ...checkArns("trust.roleArns", trust.roleArns, "role"),
    ];
  const { providerArn, audience, subjects } = trust.oidc;
  return [
    ...checkArn("trust.oidc.providerArn", providerArn, "oidcProvider"),
    ...checkPattern("trust.oidc.audience", audience, exact, "the audience, without * and ?"),
    ...checkDistinct("trust.oidc.subjects", subjects, 1),
    ...subjects.flatMap((subject, index) =>
      checkPattern(`trust.oidc.subjects[${index}]`, subject, exact, "a whole subject, without * and ?"),
    ),
  ];
}

function problemsOf(args: GuardRoleArgs): Problem[] {
  const { cloudWatchRegions = [] } = args;
  return [
    ...checkPattern("prefix", args.prefix, prefixPattern, prefixForm),
    ...trustProblems(args.trust),
    ...checkDistinct("clusterRoleArns", args.clusterRoleArns, 1),
    ...checkArns("clusterRoleArns", args.clusterRoleArns, "role"),
    ...checkArns("secretArns", args.secretArns ?? [], "secret"),
    ...checkArns("kmsKeyArns", args.kmsKeyArns ?? [], "key"),
    ...cloudWatchRegions.flatMap((region, index) =>
      checkPattern(`cloudWatchRegions[${index}]`, region, regionPattern, regionForm),
    ),
    ...(args.eventBusArn === undefined ? [] : checkArn("eventBusArn", args.eventBusArn, "eventBus")),
    ...checkInteger("maxSessionSeconds", args.maxSessionSeconds, sessionSeconds),
  ];
}
