/** Everything that guard's commands talk to, as servers of this process, and a checkout whose commands run as processes of their own. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createDynamoGuardStore } from "../../../automation/adapters/guard-store-dynamodb.ts";
import { revisionedWorkloads } from "../../../automation/drill/guard/fleet.ts";
import { createFleetMetrics, type FleetMetrics } from "../../../automation/drill/guard/fleet-metrics.ts";
import { clusterFiles, folderOf, revisionedFiles } from "../../../automation/drill/guard/repository-files.ts";
import type { Strategy } from "../../../automation/guard/plan/support.ts";
import { writeEntry } from "../../../automation/guard/registry/entry-file.ts";
import { type ClusterEntry, clusterEntry } from "../../../automation/guard/registry/record.ts";
import { guardConfig } from "../../../automation/guard/settings.ts";
import { SimulatedCluster } from "../../../automation/guard/simulation/cluster.ts";
import { serveDynamoDb } from "../../../local/aws/dynamodb.ts";
import { serveHelmRepository, serveRegistry } from "../artifact-servers.ts";
import { type CliProcess, type CliResult, type Envelope, openCliCheckout, parseEnvelope } from "../cli.ts";
import { type Fetched, type GitLabServer, startGitLabServer } from "../gitlab-server/server.ts";
import { type ClusterServer, type ServedCluster, serveClusters } from "./cluster-server.ts";
import { type FastClock, fastClockEnv, readFastClock } from "./fast-clock.ts";
import { writeIstioctl } from "./istioctl-replies.ts";
import { serveFleetMetrics } from "./metrics-server.ts";

/** Seconds of the world in a real one. */
const rate = 180;
/** Always the same, so that what is supported and what has ended is, too. */
const begin = Date.parse("2026-12-01T10:00:00Z");

export type GuardError = Extract<Envelope, { status: "error" }>["error"];

export interface GuardWorld {
  readonly root: string;
  readonly gitlab: GitLabServer;
  readonly clusters: ClusterServer;
  readonly metrics: FleetMetrics;
  now(): number;
  /** As it is now. */
  cluster(id: string): Promise<SimulatedCluster>;
  /** `switchyard …`, which the others are without `guard`. */
  command(...args: readonly string[]): Promise<CliResult>;
  start(...args: readonly string[]): CliProcess;
  run(...args: readonly string[]): Promise<CliResult>;
  /** From now on its minutes are minutes: for work that has a limit, which a busy machine would not keep to in the fast clock's. */
  inRealTime(...args: readonly string[]): Promise<CliResult>;
  /** With --json. The result of a command that succeeds. Errors: with all that was said, when it does not. */
  result(...args: readonly string[]): Promise<Readonly<Record<string, unknown>>>;
  /** With --json. The error of a command that fails. */
  failure(...args: readonly string[]): Promise<GuardError>;
  close(): Promise<void>;
}

/**
 * Batches with the ids of their clusters; each batch has a repository `mesh/BATCH`. All run Istio 1.30.5. `more`: variables of every command.
 * `strategy`: how it is installed, and upgraded.
 */
export async function openGuardWorld(
  batches: Readonly<Record<string, readonly string[]>>,
  more: Readonly<Record<string, string>> = {},
  strategy: Strategy = "in-place",
): Promise<GuardWorld> {
  const filesOf = strategy === "revision" ? revisionedFiles : clusterFiles;
  const clock: FastClock = { since: Date.now(), at: begin, rate };
  const now = (): number => readFastClock(clock);
  const versions = ["1.30.5", "1.30.6", "1.31.1"];
  const [cli, database, gitlab, charts, images] = await Promise.all([
    openCliCheckout(),
    serveDynamoDb({ tableChangeMs: 0 }),
    startGitLabServer({ now }),
    serveHelmRepository(() => helmIndex(versions)),
    serveRegistry({
      tags: ["pilot", "proxyv2"].flatMap((name) => versions.map((version) => `istio/${name}:${version}`)),
      access: "open",
    }),
  ]);
  await makeTable(database.endpoint);
  const fromHere = (text: string): string =>
    text
      .replace("https://blob.istio.io/istio-release/charts", `http://${charts.host}/charts`)
      .replace("hub: docker.io/istio", `hub: ${images.host}/istio`);

  const served = new Map<string, ServedCluster>();
  const entries: ClusterEntry[] = [];
  for (const [batch, ids] of Object.entries(batches)) {
    const repository = `mesh/${batch}`;
    const files = Object.assign({}, ...ids.map((id) => filesOf(id, "1.30.5")));
    const texts = Object.entries<string>(files).map(([path, text]) => [path, fromHere(text)]);
    await gitlab.hands.createRepository(repository, { ...Object.fromEntries(texts), CODEOWNERS: "* @mesh\n" });
    await gitlab.hands.configure(repository, { approvalsRequired: 1, authorMayApprove: false });
    for (const id of ids) {
      served.set(id, await follower(gitlab, repository, id, now, strategy));
      entries.push(
        clusterEntry.parse({
          clusterId: id,
          batchId: batch,
          environment: "prod",
          region: "eu-central-1",
          gitlabRepo: repository,
          fluxConfigPath: folderOf(id),
          currentIstioVersion: "1.30.5",
          kubeconfig: { path: join(cli.root, "kubeconfig"), context: id },
        }),
      );
    }
  }
  const clusters = await serveClusters(served);
  const section = {
    aws: { dynamodb: { endpoint: database.endpoint } },
    gitlab: { url: gitlab.url },
    metrics: { source: "prometheus", prometheus: { url: "http://127.0.0.1" } },
    // One real second of a process that starts is three minutes here.
    validation: {
      control_plane_soak_minutes: 8,
      warm_up_minutes: 1,
      soak_period_minutes: 30,
      flux_sync_timeout_minutes: 120,
      checks_valid_minutes: 1_440,
      ...(strategy === "revision" ? { hold_days: 0.05 } : {}),
    },
    execution: { lease_seconds: 600, poll_seconds: 60, strategy },
    // Per minute of a clock that runs faster.
    rate_limits: { gitlab_api: 100_000 },
    istioctl: Object.fromEntries(["1.30", "1.31"].map((minor) => [minor, join(cli.root, `istioctl-${minor}.cjs`)])),
  } as const;
  const metrics = createFleetMetrics(entries, guardConfig.parse(section));
  const prometheus = await serveFleetMetrics(metrics);
  const whole = { ...section, metrics: { ...section.metrics, prometheus: { url: prometheus.url } } };
  await Promise.all([
    // JSON is YAML.
    writeFile(
      join(cli.root, "switchyard.yaml"),
      JSON.stringify({ guard: whole, environments: { local: { cloud: "local" } } }),
    ),
    writeFile(join(cli.root, "clusters.yaml"), JSON.stringify(entries.map((entry) => writeEntry(entry)))),
    writeFile(join(cli.root, "kubeconfig"), kubeconfigOf([...served.keys()], clusters)),
    writeIstioctl(join(cli.root, "istioctl-1.30.cjs"), "1.30.6"),
    writeIstioctl(join(cli.root, "istioctl-1.31.cjs"), "1.31.1"),
  ]);
  const env = { ...more, ...fastClockEnv(clock), GITLAB_TOKEN: gitlab.token };
  const start = (...args: readonly string[]): CliProcess => cli.start(["guard", ...args], { env });
  const run = (...args: readonly string[]): Promise<CliResult> => start(...args).ended;
  const said = async (args: readonly string[]): Promise<{ readonly ended: CliResult; readonly envelope: Envelope }> => {
    const ended = await run(...args, "--json");
    return { ended, envelope: parseEnvelope(ended.stdout) };
  };
  return {
    root: cli.root,
    gitlab,
    clusters,
    metrics,
    now,
    async cluster(id) {
      const one = served.get(id);
      if (one === undefined) throw new RangeError(`there is no cluster ${id}`);
      await one.follow();
      return one.cluster;
    },
    command: (...args) => cli.run(args, { env }),
    start,
    run,
    inRealTime: (...args) => {
      const slow = fastClockEnv({ since: Date.now(), at: now(), rate: 1 });
      return cli.start(["guard", ...args], { env: { ...env, ...slow } }).ended;
    },
    async result(...args) {
      const { ended, envelope } = await said(args);
      if (envelope.status === "ok" && ended.code === 0) return envelope.result;
      throw new Error(`guard ${args.join(" ")} ended with ${ended.code}\n${ended.stdout}\n${ended.stderr}`);
    },
    async failure(...args) {
      const { ended, envelope } = await said(args);
      if (envelope.status === "error" && ended.code === envelope.error.exitCode) return envelope.error;
      throw new Error(`guard ${args.join(" ")} should have failed\n${ended.stdout}\n${ended.stderr}`);
    },
    async close() {
      await cli.close();
      await Promise.all([clusters, prometheus, gitlab, charts, images, database].map((server) => server.close()));
    },
  };
}

/** By the machine's clock: how long AWS may take for it is limited. */
async function makeTable(endpoint: string): Promise<void> {
  const options = { table: "guard-clusters", region: "us-east-1", endpoint: async () => endpoint, ensureTable: true };
  const store = createDynamoGuardStore(options);
  await store.clusters();
  await store.close();
}

/** A cluster whose Flux reads the real repository: what it has is read before time passes in it. */
async function follower(
  gitlab: GitLabServer,
  repository: string,
  id: string,
  now: () => number,
  strategy: Strategy,
): Promise<ServedCluster> {
  let head: Fetched = await gitlab.fetch(repository, "main");
  const cluster = new SimulatedCluster({
    name: id,
    kubernetes: "1.33",
    now: now(),
    head: () => head,
    path: folderOf(id),
    repositoryUrl: `https://gitlab.example.com/${repository}.git`,
    intervalSeconds: 60,
    ...(strategy === "revision" ? { namespaces: { shop: {} }, workloads: revisionedWorkloads } : {}),
  });
  return {
    cluster,
    async follow() {
      head = await gitlab.fetch(repository, "main");
      cluster.tick(now());
    },
  };
}

const helmIndex = (versions: readonly string[]): string =>
  [
    "apiVersion: v1",
    "entries:",
    ...["base", "istiod", "gateway"].flatMap((chart) => [
      `  ${chart}:`,
      ...versions.flatMap((version) => [
        `  - name: ${chart}`,
        `    version: ${version}`,
        `    urls: [${chart}-${version}.tgz]`,
      ]),
    ]),
    'generated: "2026-11-01T00:00:00Z"',
    "",
  ].join("\n");

const kubeconfigOf = (ids: readonly string[], clusters: ClusterServer): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: ids.map((name) => ({ name, cluster: { server: clusters.urlOf(name) } })),
    users: ids.map((name) => ({ name, user: { token: "a-token-of-a-test" } })),
    contexts: ids.map((name) => ({ name, context: { cluster: name, user: name } })),
  });
