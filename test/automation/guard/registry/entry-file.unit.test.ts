import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { differences, entryNames, parseEntries, writeEntry } from "../../../../automation/guard/registry/entry-file.ts";
import { type ClusterEntry, clusterEntry } from "../../../../automation/guard/registry/record.ts";
import { originalNames } from "../../../../automation/guard/registry/state-names.ts";

const item = {
  cluster_id: "prod-eu-1",
  batch_id: "prod-wave-1",
  environment: "production",
  region: "eu-central-1",
  gitlab_repo: "infra/k8s-clusters",
  flux_config_path: "clusters/prod/eu-1",
  aws_role_arn: "arn:aws:iam::123456789012:role/GuardEks",
  current_istio_version: "1.30.5",
  datadog_tags: { cluster: "prod-eu-1", env: "production" },
};

const arbitraryEntry: fc.Arbitrary<ClusterEntry> = fc
  .record(
    {
      clusterId: fc.stringMatching(/^[a-z0-9]{1,10}$/),
      batchId: fc.stringMatching(/^[a-z0-9]{1,10}$/),
      environment: fc.stringMatching(/^[a-z]{1,10}$/),
      region: fc.constantFrom("eu-central-1", "us-east-1"),
      gitlabRepo: fc.constantFrom("a/b", "a/b/c"),
      fluxConfigPath: fc.stringMatching(/^[a-z/]{1,20}$/),
      awsRoleArn: fc.constant("arn:aws:iam::123456789012:role/x"),
      eksCluster: fc.stringMatching(/^[A-Za-z]{1,9}$/),
      kubeconfig: fc.constant({ path: "/k", context: "c" }),
      currentIstioVersion: fc.constantFrom("1.30.5", "1.31.1"),
      datadogTags: fc.dictionary(fc.stringMatching(/^[a-z_]{1,5}$/), fc.string()),
      production: fc.boolean(),
      ambient: fc.boolean(),
      meshId: fc.stringMatching(/^[a-z]{1,9}$/),
      mesh: fc.constantFrom("istio" as const, "linkerd" as const),
    },
    {
      requiredKeys: [
        "clusterId",
        "batchId",
        "environment",
        "region",
        "gitlabRepo",
        "fluxConfigPath",
        "currentIstioVersion",
      ],
    },
  )
  .map((given) => clusterEntry.parse(given));

describe("entries of a file", () => {
  it("have every attribute of the registry", () => {
    expect(Object.values(entryNames).toSorted()).toEqual(Object.keys(clusterEntry.shape).toSorted());
  });

  it("are a list, a list under clusters, or one", () => {
    for (const value of [[item], { clusters: [item] }, item])
      expect(parseEntries(value)).toMatchObject({
        problems: [],
        warnings: [],
        entries: [
          { clusterId: "prod-eu-1", batchId: "prod-wave-1", datadogTags: { env: "production" }, production: true },
        ],
      });
    for (const value of ["x", 7, null, {}, { clusters: {} }])
      expect(parseEntries(value).problems).toEqual(["must be a list of clusters"]);
  });

  it("have all their problems told at once, by their names in the file", () => {
    const { entries, problems } = parseEntries([
      { ...item, cluster_id: "Prod 1", batch_id: undefined, current_istio_version: 1.3, gitlab_repo: "alone" },
      { ...item, batchid: "x", aws_role_arn: "arn:aws:iam::1:role/x" },
      "text",
      item,
      item,
    ]);
    expect(entries.map(({ clusterId }) => clusterId)).toEqual(["prod-eu-1", "prod-eu-1"]);
    expect(problems).toEqual([
      expect.stringMatching(/^\[0\]\.cluster_id: must be lower-case letters/),
      "[0].batch_id: is missing",
      "[0].gitlab_repo: must be group/project",
      expect.stringMatching(/^\[0\]\.current_istio_version: .*expected string/),
      "[1].batchid: no such attribute; did you mean batch_id?",
      "[1].aws_role_arn: must be the ARN of a role",
      "[2]: must be an object with cluster_id and the rest",
      "prod-eu-1: is there more than once",
    ]);
  });

  it("come out as they went in, whatever they are", () => {
    fc.assert(
      fc.property(arbitraryEntry, (entry) => {
        expect(parseEntries([JSON.parse(JSON.stringify(writeEntry(entry)))])).toEqual({
          entries: [entry],
          problems: [],
          warnings: [],
        });
      }),
    );
  });

  it("differ in the attributes that are said", () => {
    const [entry] = parseEntries(item).entries;
    if (entry === undefined) throw new Error("none");
    expect(differences(entry, entry)).toEqual([]);
    expect(differences(entry, { ...entry, datadogTags: { env: "production", cluster: "prod-eu-1" } })).toEqual([]);
    expect(differences(entry, { ...entry, datadogTags: {}, region: "x", eksCluster: "y" })).toEqual([
      "region",
      "eks_cluster",
      "datadog_tags",
    ]);
  });
});

describe("the original tool's table", () => {
  const scanned = {
    Items: [
      {
        cluster_id: { S: "prod-eu-1" },
        batch_id: { S: "prod-wave-1" },
        environment: { S: "production" },
        region: { S: "eu-central-1" },
        gitlab_repo: { S: "infra/k8s-clusters" },
        flux_config_path: { S: "clusters/prod/eu-1/istio.yaml" },
        aws_role_arn: { S: "arn:aws:iam::123456789012:role/GUARD-EKSAccess" },
        current_istio_version: { S: "1.30.5" },
        target_istio_version: { NULL: true },
        datadog_tags: { M: { cluster: { S: "prod-eu-1" }, service: { S: "istio-system" } } },
        owner_team: { S: "platform" },
        metadata: { M: { "upgrade-history": { L: [{ S: "x" }] } } },
        status: { S: "healthy" },
        version: { N: "3" },
      },
    ],
    Count: 1,
  };

  it("is read as DynamoDB prints it, whole or item by item", () => {
    for (const value of [scanned, scanned.Items.map((one) => ({ Item: one }))])
      expect(parseEntries(value)).toEqual({
        entries: [
          clusterEntry.parse({
            clusterId: "prod-eu-1",
            batchId: "prod-wave-1",
            environment: "production",
            region: "eu-central-1",
            gitlabRepo: "infra/k8s-clusters",
            fluxConfigPath: "clusters/prod/eu-1/istio.yaml",
            awsRoleArn: "arn:aws:iam::123456789012:role/GUARD-EKSAccess",
            currentIstioVersion: "1.30.5",
            datadogTags: { cluster: "prod-eu-1", service: "istio-system" },
          }),
        ],
        problems: [],
        warnings: ["target_istio_version", "owner_team", "metadata", "version"].map(
          (name) => `${name} means nothing here and is left out`,
        ),
      });
  });

  it.each(Object.keys(originalNames))("may say %s of a cluster", (status) => {
    const { entries, problems, warnings } = parseEntries([{ ...item, status }]);
    expect(problems).toEqual([]);
    expect(entries).toHaveLength(1);
    const calm = status === "healthy" || status === "pending";
    expect(warnings).toEqual(
      calm ? [] : [expect.stringContaining(`prod-eu-1 was ${status} (here: ${originalNames[status]})`)],
    );
  });

  it("may not say what no tool says", () => {
    expect(parseEntries([{ ...item, status: "fine" }]).problems).toEqual([
      '[0].status: "fine" is no state that the original tool writes or that is known here',
    ]);
  });
});
