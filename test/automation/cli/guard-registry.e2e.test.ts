import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDynamoGuardStore } from "../../../automation/adapters/guard-store-dynamodb.ts";
import { createRegistry, moveRecord } from "../../../automation/guard/registry/registry.ts";
import { type DynamoDb, serveDynamoDb } from "../../../local/aws/dynamodb.ts";
import { type CliCheckout, openCliCheckout } from "../../support/cli.ts";

// A registry that people fill, change, list and empty by commands, in a DynamoDB of its own. In order.

let cli: CliCheckout;
let database: DynamoDb;

beforeAll(async () => {
  [cli, database] = await Promise.all([openCliCheckout(), serveDynamoDb({ tableChangeMs: 0 })]);
  await writeFile(
    join(cli.root, "switchyard.yaml"),
    `guard: {aws: {dynamodb: {endpoint: "${database.endpoint}", create_table: true}}}\nenvironments: {local: {cloud: local}}\n`,
  );
}, 60_000);

afterAll(async () => {
  await cli.close();
  await database.close();
});

const clusters = `
- &first
  cluster_id: prod-eu-1
  batch_id: prod-wave-1
  environment: production
  region: eu-central-1
  gitlab_repo: infra/clusters
  flux_config_path: clusters/prod/eu-1
  current_istio_version: "1.30.5"
  datadog_tags: {cluster: prod-eu-1}
- cluster_id: stage-eu-1
  batch_id: staging
  environment: staging
  region: eu-central-1
  gitlab_repo: infra/clusters
  flux_config_path: clusters/stage/eu-1
  current_istio_version: "1.30.5"
  production: false
`;

test("an empty registry says how to fill it", async () => {
  const ended = await cli.run(["guard", "list"]);
  expect(ended).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("npx switchyard guard registry import FILE"),
  });
});

test("one cluster is added by flags, once, and every problem of the command line is told", async () => {
  const flags = [
    "--batch=prod-wave-2",
    "--environment=production",
    "--region=eu-west-1",
    "--gitlab-repo=infra/clusters",
  ];
  expect(await cli.failure("guard", "registry", "add", "Prod_2", ...flags, "--istio-version=1.30")).toMatchObject({
    code: "guard-input-invalid",
    data: {
      problems: [
        expect.stringContaining("cluster_id: must be lower-case letters"),
        "flux_config_path: is missing",
        expect.stringContaining("current_istio_version: must be a whole version"),
      ],
    },
  });
  const good = [...flags, "--flux-config-path=clusters/prod/eu-2", "--istio-version=1.30.5"];
  expect(await cli.result("guard", "registry", "add", "prod-eu-2", ...good)).toMatchObject({
    id: "prod-eu-2",
    state: "pending",
  });
  expect(await cli.failure("guard", "registry", "add", "prod-eu-2", ...good)).toMatchObject({ code: "guard-conflict" });
});

test("a file comes in whole or not at all, and twice is no harm", async () => {
  const path = join(cli.root, "clusters.yaml");
  await writeFile(path, clusters.replace("batch_id: staging", "batch: staging"));
  expect(await cli.failure("guard", "registry", "import", path)).toMatchObject({
    code: "guard-input-invalid",
    message: expect.stringMatching(/\[1\]\.batch: no such attribute.*\n.*\[1\]\.batch_id: is missing/),
  });
  await writeFile(path, clusters);
  const changes = { added: ["prod-eu-1", "stage-eu-1"], updated: [], same: [] };
  expect(await cli.result("guard", "registry", "import", path, "--dry-run")).toEqual({ ...changes, dryRun: true });
  expect(await cli.result("guard", "list")).toMatchObject({ clusters: [{ cluster: "prod-eu-2" }] });
  expect(await cli.result("guard", "registry", "import", path)).toEqual({ ...changes, dryRun: false });
  expect(await cli.result("guard", "registry", "import", path)).toMatchObject({
    added: [],
    same: ["prod-eu-1", "stage-eu-1"],
  });
});

test("the list is filtered by batch and environment, and an unknown batch says which there are", async () => {
  expect(await cli.result("guard", "list", "--environment", "staging")).toEqual({
    clusters: [
      {
        cluster: "stage-eu-1",
        batch: "staging",
        environment: "staging",
        region: "eu-central-1",
        istio: "1.30.5",
        state: "pending",
      },
    ],
  });
  const text = await cli.run(["guard", "list", "--batch", "prod-wave-1"]);
  expect(text.stdout).toMatch(
    /prod-eu-1 +prod-wave-1 +production +eu-central-1 +1\.30\.5 +pending\n\n1 cluster in 1 batch\./,
  );
  expect(await cli.failure("guard", "list", "--batch", "prod-wave1")).toMatchObject({
    code: "guard-unknown-cluster",
    message: expect.stringContaining("did you mean prod-wave-1?"),
    next: [expect.stringContaining("npx switchyard guard list")],
  });
});

test("an attribute is changed, and the command that is told changes it back", async () => {
  const { undo } = await cli.result(
    ...["guard", "registry", "update", "prod-eu-1", "--batch=prod-wave-3", "--eks-cluster=Prod", "--datadog-tag=a=b c"],
  );
  expect(undo).toBe(
    "npx switchyard guard registry update prod-eu-1 --batch prod-wave-1 --unset eks_cluster --datadog-tag cluster=prod-eu-1",
  );
  expect(await cli.result("guard", "registry", "show", "prod-eu-1")).toMatchObject({
    entry: { batch_id: "prod-wave-3", eks_cluster: "Prod", datadog_tags: { a: "b c" } },
  });
  await cli.result(...String(undo).split(" ").slice(2));
  expect(await cli.result("guard", "registry", "import", join(cli.root, "clusters.yaml"))).toMatchObject({
    updated: [],
  });
});

test("what an import changes is kept in a file that brings it back", async () => {
  const path = join(cli.root, "changed.yaml");
  await writeFile(path, clusters.replaceAll("eu-central-1", "eu-west-3"));
  const { updated, undo } = await cli.result("guard", "registry", "import", path);
  expect(updated).toEqual([
    { cluster: "prod-eu-1", changed: ["region"] },
    { cluster: "stage-eu-1", changed: ["region"] },
  ]);
  await cli.result("guard", "registry", "import", String(undo));
  const exported = await cli.run(["guard", "registry", "export", "--format", "json"]);
  expect(JSON.parse(exported.stdout)).toMatchObject([
    { cluster_id: "prod-eu-1", region: "eu-central-1" },
    { cluster_id: "prod-eu-2" },
    { cluster_id: "stage-eu-1", region: "eu-central-1" },
  ]);
});

test("what is exported as YAML is what an import takes", async () => {
  const exported = await cli.run(["guard", "registry", "export"]);
  const path = join(cli.root, "exported.yaml");
  await writeFile(path, exported.stdout);
  expect(await cli.result("guard", "registry", "import", path)).toMatchObject({ added: [], updated: [] });
});

test("the status says where each cluster stands, also by the short name of the program", async () => {
  const status = await cli.run(["guard", "status", "--batch", "staging"]);
  expect(status.stdout).toMatch(/stage-eu-1 +staging +1\.30\.5 +pending .*the first run proves its versions/);
  const guard = (...args: readonly string[]) =>
    promisify(execFile)(process.execPath, [join(cli.root, "bin", "guard.js"), ...args], {
      cwd: cli.root,
      env: cli.env,
    });
  const short = JSON.parse((await guard("status", "--json")).stdout);
  expect(short).toMatchObject({ status: "ok", result: { states: { pending: 3 }, waitingForPeople: [] } });
  expect((await guard("--help")).stdout).toContain("guard registry");
  expect((await guard("--version")).stdout).toMatch(/^switchyard\/\d/);
  await expect(guard("list", "--batch", "none")).rejects.toMatchObject({ code: 4 });
});

test("the original tool's configuration comes out as a section that this one takes", async () => {
  const path = join(cli.root, "config.yaml");
  await writeFile(path, "gitlab: {url: https://gitlab.example.com}\nlogging: {level: INFO}\n");
  const ended = await cli.run(["guard", "import-config", path]);
  expect(ended).toMatchObject({
    code: 0,
    stdout: "guard:\n  gitlab:\n    url: https://gitlab.example.com\n",
    stderr: expect.stringContaining("logging.level: means nothing here"),
  });
});

test("a cluster with a run under way is neither changed nor removed, and nothing while somebody has its batch's lock", async () => {
  const store = createDynamoGuardStore({
    table: "guard-clusters",
    region: "us-east-1",
    endpoint: async () => database.endpoint,
  });
  try {
    const held = await store.lock("batch/prod-wave-2", "another process", Date.now(), 60_000);
    if (held.kind !== "held") throw new Error("not held");
    expect(await cli.failure("guard", "registry", "remove", "prod-eu-2", "--yes")).toMatchObject({
      code: "guard-locked",
      message: expect.stringContaining("another process"),
    });
    const registry = createRegistry(store);
    const loaded = await registry.load("prod-eu-2");
    const moved = moveRecord(loaded.record, "started", { at: Date.now(), by: "guard" });
    if (moved.kind === "refused") throw new Error(moved.why);
    await registry.save(loaded, moved.record, held.fence);
    await store.unlock("batch/prod-wave-2", held.fence);
    for (const verb of [
      ["remove", "prod-eu-2", "--yes"],
      ["update", "prod-eu-2", "--region=us-east-1"],
    ])
      expect(await cli.failure("guard", "registry", ...verb)).toMatchObject({
        code: "guard-refused",
        message: expect.stringContaining("prod-eu-2 is pre_check_running: a run is under way"),
      });
  } finally {
    await store.close();
  }
});

test("a removal asks for the name, and says how to undo it", async () => {
  expect(await cli.failure("guard", "registry", "remove", "prod-eu-1")).toMatchObject({ code: "usage-error" });
  const removed = await cli.run(["guard", "registry", "remove", "prod-eu-1", "--yes"]);
  expect(removed.code).toBe(0);
  const [, entry = ""] = removed.stdout.split("\n\n");
  await writeFile(join(cli.root, "removed.yaml"), entry);
  expect(await cli.failure("guard", "registry", "show", "prod-eu-1")).toMatchObject({ code: "guard-unknown-cluster" });
  expect(await cli.result("guard", "registry", "import", join(cli.root, "removed.yaml"))).toMatchObject({
    added: ["prod-eu-1"],
  });
  expect(await cli.result("guard", "registry", "import", join(cli.root, "clusters.yaml"))).toMatchObject({
    updated: [],
  });
});

test("every change is in guard's own audit log, which everybody who has the table sees", async () => {
  const { commands } = await cli.result("audit", "show", "--guard", "--command", "guard registry");
  const found = Array.isArray(commands) ? commands.map(({ command, phase }) => `${command} ${phase}`) : [];
  expect(found.filter((one) => one === "guard registry add done")).toHaveLength(1);
  expect(found).toContain("guard registry remove refused");
  expect(found).toContain("guard registry remove done");
  expect(found.filter((one) => one.startsWith("guard registry import done")).length).toBeGreaterThanOrEqual(5);
  expect(await cli.result("audit", "verify", "--guard")).toMatchObject({ logs: [{ problems: [] }] });
});

test("without a configuration the registry is in the local cloud, and outlives its process", async () => {
  const other = await openCliCheckout();
  try {
    const path = join(other.root, "clusters.yaml");
    await writeFile(path, clusters);
    expect(await other.result("guard", "registry", "import", path)).toMatchObject({
      added: ["prod-eu-1", "stage-eu-1"],
    });
    await other.result("local", "stop");
    expect(await other.result("guard", "status")).toMatchObject({ states: { pending: 2 } });
  } finally {
    await other.close();
  }
});
