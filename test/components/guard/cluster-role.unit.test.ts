import { describe, expect, test } from "vitest";
import { z } from "zod";
import { GuardClusterRole, type GuardClusterRoleArgs } from "../../../components/guard/cluster-role.ts";
import { InvalidArgsError } from "../../../components/shared/validation.ts";
import { declareGraph } from "../declared-graph.ts";
import { at, expectWellFormed, settle } from "../graph-rules.ts";
import { statementsOf, tooWide } from "./statements.ts";

const clusterArn = "arn:aws:eks:eu-central-1:111122223333:cluster/Prod_EU";
const guardRoleArn = "arn:aws:iam::444455556666:role/switchyard-guard";
const base: GuardClusterRoleArgs = { prefix: "switchyard", clusterArn, guardRoleArn };

const declare = (args: Partial<GuardClusterRoleArgs> = {}) =>
  declareGraph((options) => new GuardClusterRole("prod", { ...base, ...args }, options));

const rules = z.array(
  z.strictObject({
    apiGroups: z.array(z.string()),
    resources: z.array(z.string()),
    resourceNames: z.array(z.string()).default([]),
    verbs: z.array(z.string()),
  }),
);
const rulesOf = (inputs: Readonly<Record<string, unknown>>) => rules.parse(inputs["rules"]);

/** `verb group/resource` of every combination, with the only names where there are any. */
const rightsOf = (inputs: Readonly<Record<string, unknown>>): readonly string[] =>
  rulesOf(inputs).flatMap(({ apiGroups, resources, resourceNames, verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        verbs.map((verb) => [`${verb} ${group === "" ? "core" : group}/${resource}`, ...resourceNames].join(" ")),
      ),
    ),
  );

const clusterRoleType = "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole";

describe("GuardClusterRole", () => {
  test("declares a well-formed graph, also with everything", async () => {
    expectWellFormed(await declare(), "prod");
    const graph = await declare({
      istioctlNamespaces: ["istio-system", "istio-canary"],
      externalId: "fleet:1",
      prefix: "a2345678901234567890",
      clusterArn: `arn:aws:eks:eu-central-1:111122223333:cluster/${"x".repeat(100)}`,
    });
    expectWellFormed(graph, "prod");
    expect(String(graph.only("aws:iam/role:Role").inputs["name"]).length).toBeLessThanOrEqual(64);
  });

  test("reads this cluster in EKS, and nothing else of AWS", async () => {
    const graph = await declare();
    const may = statementsOf(graph.only("aws:iam/rolePolicy:RolePolicy").inputs["policy"]);
    expect(tooWide(may)).toEqual([]);
    expect(may).toMatchObject([
      {
        Action: ["eks:DescribeCluster", "eks:DescribeUpdate", "eks:ListInsights", "eks:ListUpdates"],
        Resource: [clusterArn],
      },
    ]);
    expect(await settle(graph.built.roleArn)).toBe("arn:aws:iam::111122223333:role/switchyard-guard-prod-eu");
  });

  test("is taken by guard's role alone, with the id where one is asked for", async () => {
    const trustOf = async (args: Partial<GuardClusterRoleArgs>) =>
      statementsOf((await declare(args)).only("aws:iam/role:Role").inputs["assumeRolePolicy"]);
    const open = await trustOf({});
    expect(open).toMatchObject([{ Action: ["sts:AssumeRole"], Principal: { AWS: [guardRoleArn] } }]);
    expect(tooWide(open)).toEqual([]);
    expect((await trustOf({ externalId: "fleet:1" }))[0]?.Condition).toEqual({
      StringEquals: { "sts:ExternalId": "fleet:1" },
    });
  });

  test("EKS maps it to a group of the cluster that the rules are bound to", async () => {
    const graph = await declare();
    const access = graph.only("aws:eks/accessEntry:AccessEntry").inputs;
    expect(access).toMatchObject({ clusterName: "Prod_EU", kubernetesGroups: ["switchyard-guard"], type: "STANDARD" });
    expect(access["principalArn"]).toBe(await settle(graph.built.roleArn));
    const binding = graph.only("kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding").inputs;
    expect(at(binding, "subjects.0.name")).toBe("switchyard-guard");
    expect(at(binding, "roleRef.name")).toBe(at(graph.only(clusterRoleType).inputs, "metadata.name"));
    expect((await declare({ accessEntry: false })).all("aws:eks/accessEntry:AccessEntry")).toEqual([]);
  });

  test("inside, it patches what is restarted and what Flux looks at, reads logs, and otherwise only reads", async () => {
    const rights = rightsOf((await declare()).only(clusterRoleType).inputs);
    expect(rights.filter((right) => /^patch /.test(right)).toSorted()).toEqual([
      "patch apps/daemonsets",
      "patch apps/deployments",
      "patch apps/statefulsets",
      "patch helm.toolkit.fluxcd.io/helmreleases",
      "patch kustomize.toolkit.fluxcd.io/kustomizations",
      "patch source.toolkit.fluxcd.io/gitrepositories",
      "patch source.toolkit.fluxcd.io/helmcharts",
      "patch source.toolkit.fluxcd.io/helmrepositories",
      "patch source.toolkit.fluxcd.io/ocirepositories",
    ]);
    expect(rights.filter((right) => !/^(?:get|list|watch|patch) /.test(right))).toEqual([]);
    expect(rights.filter((right) => right.includes("pods/"))).toEqual(["get core/pods/log"]);
    expect(
      rights.filter((right) => /[*?]|secrets|impersonate|rbac\.|nodes\/proxy|exec|attach|tokenreview/.test(right)),
    ).toEqual([]);
    expect(new Set(rights).size).toBe(rights.length);
  });

  test("forwards ports, and has tokens of an account without rights, only in the namespaces that are named, and by default in none", async () => {
    const type = "kubernetes:rbac.authorization.k8s.io/v1:Role";
    expect((await declare()).all(type)).toEqual([]);
    const graph = await declare({ istioctlNamespaces: ["istio-system"] });
    const { inputs } = graph.only(type);
    expect(at(inputs, "metadata.namespace")).toBe("istio-system");
    expect(rightsOf(inputs)).toEqual(["create core/pods/portforward", "create core/serviceaccounts/token default"]);
    expect(at(graph.only("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding").inputs, "metadata.namespace")).toBe(
      "istio-system",
    );
  });

  test.each([
    ["all clusters", { clusterArn: "arn:aws:eks:eu-central-1:111122223333:cluster/*" }, /clusterArn/],
    ["a name instead of an ARN", { clusterArn: "prod-eu" }, /clusterArn is "prod-eu"/],
    ["a whole account", { guardRoleArn: "arn:aws:iam::444455556666:root" }, /guardRoleArn/],
    ["an id with a space", { externalId: "a b" }, /externalId/],
    ["a namespace twice", { istioctlNamespaces: ["istio-system", "istio-system"] }, /none twice/],
    ["all namespaces", { istioctlNamespaces: ["*"] }, /istioctlNamespaces\[0\]/],
  ])("refuses %s", (_, args, message) => {
    const attempt = () => new GuardClusterRole("prod", { ...base, ...args });
    expect(attempt).toThrow(InvalidArgsError);
    expect(attempt).toThrow(message);
  });
});
