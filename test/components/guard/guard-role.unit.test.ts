import { describe, expect, test } from "vitest";
import { GuardRole, type GuardRoleArgs } from "../../../components/guard/guard-role.ts";
import { InvalidArgsError } from "../../../components/shared/validation.ts";
import { declareGraph } from "../declared-graph.ts";
import { expectWellFormed, settle } from "../graph-rules.ts";
import { type Statement, statementsOf, tooWide } from "./statements.ts";

const tableArn = "arn:aws:dynamodb:eu-central-1:111122223333:table/guard-clusters";
const clusterRoleArns = ["prod-eu", "prod-us"].map((name) => `arn:aws:iam::444455556666:role/switchyard-guard-${name}`);
const secret = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:guard/gitlab-AbC123";
const base: GuardRoleArgs = {
  prefix: "switchyard",
  trust: { roleArns: ["arn:aws:iam::111122223333:role/gitlab-runner"] },
  tableArn,
  clusterRoleArns,
};
const all: Partial<GuardRoleArgs> = {
  secretArns: [secret],
  kmsKeyArns: ["arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab"],
  cloudWatchRegions: ["eu-central-1", "us-gov-west-1"],
  eventBusArn: "arn:aws:events:eu-central-1:111122223333:event-bus/guard",
};

const declare = (args: Partial<GuardRoleArgs> = {}) =>
  declareGraph((options) => new GuardRole("guard", { ...base, ...args }, options));

async function policiesOf(args: Partial<GuardRoleArgs> = {}) {
  const graph = await declare(args);
  return {
    trust: statementsOf(graph.only("aws:iam/role:Role").inputs["assumeRolePolicy"]),
    may: statementsOf(graph.only("aws:iam/rolePolicy:RolePolicy").inputs["policy"]),
  };
}

const about = (statements: readonly Statement[], sid: string) => statements.find(({ Sid }) => Sid === sid);

describe("GuardRole", () => {
  test("declares a well-formed graph, also with everything and the longest prefix", async () => {
    expectWellFormed(await declare(), "guard");
    const graph = await declare({ ...all, prefix: "a2345678901234567890" });
    expectWellFormed(graph, "guard");
    expect(await settle(graph.built.roleArn)).toBe("arn:aws:iam::111122223333:role/a2345678901234567890-guard");
  });

  test.each([
    ["the least", {}],
    ["everything", all],
    [
      "a job's token",
      {
        trust: {
          oidc: {
            providerArn: "arn:aws:iam::111122223333:oidc-provider/gitlab.example.com",
            audience: "https://gitlab.example.com",
            subjects: ["project_path:platform/guard:ref_type:branch:ref:main"],
          },
        },
      },
    ],
  ] as const)("no action, resource or principal stands for several: %s", async (_, args) => {
    const { trust, may } = await policiesOf(args);
    expect(tooWide(trust)).toEqual([]);
    expect(tooWide(may)).toEqual([]);
  });

  test("the walk finds what is too wide", () => {
    const wide = (change: Partial<Statement>): readonly string[] =>
      tooWide([
        { Effect: "Allow", Sid: "A", Action: ["sts:AssumeRole"], Resource: ["arn:aws:iam::1:role/a"], ...change },
      ]);
    expect(wide({})).toEqual([]);
    for (const change of [
      { Action: ["dynamodb:*"] },
      { Action: ["*"] },
      { Resource: ["*"] },
      { Resource: ["arn:aws:iam::1:role/guard-*"] },
      { Action: ["cloudwatch:GetMetricData"], Resource: ["*"] },
      { Principal: { AWS: ["*"] } },
      { Principal: { AWS: ["arn:aws:iam::1:root"] } },
      { Condition: { StringLike: { "x:sub": "repo:*" } } },
    ])
      expect(wide(change), JSON.stringify(change)).not.toEqual([]);
  });

  test("may use the table and its index, and not make, delete or change it", async () => {
    const { may } = await policiesOf();
    expect(about(may, "Table")?.Resource).toEqual([tableArn]);
    expect(about(may, "Batches")).toMatchObject({
      Action: ["dynamodb:Query", "dynamodb:Scan"],
      Resource: [`${tableArn}/index/batch_id-index`],
    });
    const actions = may.flatMap(({ Action }) => Action);
    expect(actions).toContain("dynamodb:UpdateItem");
    for (const action of ["CreateTable", "DeleteTable", "UpdateTable", "UpdateTimeToLive", "RestoreTableToPointInTime"])
      expect(actions).not.toContain(`dynamodb:${action}`);
  });

  test("takes the listed roles only, and reads the named secrets only", async () => {
    const { may } = await policiesOf(all);
    expect(about(may, "Clusters")).toMatchObject({ Action: ["sts:AssumeRole"], Resource: clusterRoleArns });
    expect(about(may, "Secrets")).toMatchObject({ Action: ["secretsmanager:GetSecretValue"], Resource: [secret] });
    expect(about(may, "Keys")?.Action).toEqual(["kms:Decrypt"]);
    expect(about(may, "Metrics")?.Condition).toEqual({
      StringEquals: { "aws:RequestedRegion": ["eu-central-1", "us-gov-west-1"] },
    });
    expect(about(may, "Events")?.Action).toEqual(["events:PutEvents"]);
  });

  test("what is not named has no statement", async () => {
    const { may } = await policiesOf();
    expect(may.map(({ Sid }) => Sid)).toEqual(["Table", "Batches", "Clusters"]);
  });

  test("a job's token is asked for audience and whole subject, at its issuer", async () => {
    const { trust } = await policiesOf({
      trust: {
        oidc: {
          providerArn: "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/ABC",
          audience: "sts.amazonaws.com",
          subjects: ["system:serviceaccount:guard:guard"],
        },
      },
    });
    expect(trust).toMatchObject([
      {
        Action: ["sts:AssumeRoleWithWebIdentity"],
        Condition: {
          StringEquals: {
            "oidc.eks.eu-central-1.amazonaws.com/id/ABC:aud": "sts.amazonaws.com",
            "oidc.eks.eu-central-1.amazonaws.com/id/ABC:sub": ["system:serviceaccount:guard:guard"],
          },
        },
      },
    ]);
  });

  test.each([
    ["a pattern for roles", { clusterRoleArns: ["arn:aws:iam::444455556666:role/*"] }, /clusterRoleArns\[0\]/],
    ["no role", { clusterRoleArns: [] }, /clusterRoleArns is \[\]; allowed: 1 or more/],
    ["a role twice", { clusterRoleArns: [...clusterRoleArns, ...clusterRoleArns] }, /none twice/],
    ["a secret without its end", { secretArns: [secret.replace(/-AbC123$/, "")] }, /secretArns\[0\].*six characters/],
    ["all secrets", { secretArns: [secret.replace("guard/gitlab-AbC123", "*")] }, /secretArns\[0\]/],
    ["a whole account", { trust: { roleArns: ["arn:aws:iam::111122223333:root"] } }, /trust\.roleArns\[0\]/],
    ["nobody", { trust: { roleArns: [] } }, /trust\.roleArns is \[\]/],
    [
      "every branch",
      {
        trust: {
          oidc: {
            providerArn: "arn:aws:iam::111122223333:oidc-provider/gitlab.com",
            audience: "https://gitlab.com",
            subjects: ["project_path:platform/guard:*"],
          },
        },
      },
      /trust\.oidc\.subjects\[0\]/,
    ],
    ["an alias of a key", { kmsKeyArns: ["arn:aws:kms:eu-central-1:111122223333:alias/guard"] }, /kmsKeyArns\[0\]/],
    ["no region", { cloudWatchRegions: ["everywhere"] }, /cloudWatchRegions\[0\]/],
    ["all buses", { eventBusArn: "arn:aws:events:eu-central-1:111122223333:event-bus/*" }, /eventBusArn/],
    ["a session of a day", { maxSessionSeconds: 86_400 }, /maxSessionSeconds is 86400/],
    ["a prefix that is none", { prefix: "Guard" }, /prefix is "Guard"/],
  ] as const)("refuses %s", (_, args, message) => {
    const attempt = () => new GuardRole("guard", { ...base, ...args });
    expect(attempt).toThrow(InvalidArgsError);
    expect(attempt).toThrow(message);
  });
});
