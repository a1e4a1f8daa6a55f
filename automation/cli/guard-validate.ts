/** Every connection of guard, each tried for itself: one that fails does not hide the others. */
import type { ConfiguredNotifier } from "../adapters/notifiers.ts";
import { SwitchyardError } from "../errors.ts";
import { minorOf } from "../guard/plan/versions.ts";
import type { Registry } from "../guard/registry/registry.ts";
import { addressOf, versionOf } from "../guard/run/cluster.ts";
import { inParallel } from "../guard/run/loop.ts";
import type { GuardConfig } from "../guard/settings.ts";
import type { GuardStore } from "../ports/guard-store.ts";
import type { OpenedRun } from "./compose-guard-run.ts";

export interface Connection {
  /** `GitLab`, `repository mesh/fleet`, `prod-eu-1 kubernetes`. */
  readonly name: string;
  readonly works: boolean;
  readonly line: string;
}

export interface Validated {
  readonly connections: readonly Connection[];
}

export interface Surroundings {
  store(): Promise<GuardStore>;
  registry(): Promise<Registry>;
  opened(): Promise<OpenedRun>;
  /** By name of the target. */
  notifiers(): Promise<Readonly<Record<string, ConfiguredNotifier>>>;
}

async function tried(name: string, work: () => Promise<string>): Promise<Connection> {
  try {
    return { name, works: true, line: await work() };
  } catch (error) {
    if (!(error instanceof SwitchyardError)) throw error;
    return { name, works: false, line: `${error.code}: ${error.message}` };
  }
}

/** Errors: guard-unknown-cluster (the batch). */
export async function validateConnections(
  surroundings: Surroundings,
  config: GuardConfig,
  batch: string | undefined,
  signal: AbortSignal,
): Promise<Validated> {
  const told = await Promise.all(
    Object.entries(await surroundings.notifiers()).map(([name, { description, open }]) =>
      tried(`notifier ${name}`, async () => {
        await open();
        return `${description} can be told; nothing was sent`;
      }),
    ),
  );
  const table = await tried("table", async () => {
    const store = await surroundings.store();
    const { length } = await store.clusters();
    return `${store.description}: ${length} clusters`;
  });
  if (!table.works) return { connections: [table, ...told] };
  const registry = await surroundings.registry();
  const loaded = await (batch === undefined ? registry.loadAll() : registry.loadBatch(batch));
  const records = loaded.map(({ record }) => record);
  let opened: OpenedRun | undefined;
  const settings = await tried("credentials", async () => {
    opened = await surroundings.opened();
    return `those of GitLab (${opened.ports.host.description})${opened.ports.metrics === undefined ? "" : ` and of ${opened.ports.metrics.source.description}`} are there`;
  });
  if (opened === undefined) return { connections: [table, settings, ...told] };
  const { ports, clusters } = opened;
  const branch = config.gitlab.default_target_branch;
  const repositories = [...new Set(records.map(({ entry }) => entry.gitlabRepo))].toSorted();
  const git = await inParallel(config.execution.max_parallel_clusters, repositories, (repository) =>
    tried(`repository ${repository}`, async () => {
      const head = await ports.host.head(repository, branch, signal);
      if (head === undefined)
        throw new SwitchyardError("git-host-not-found", { message: `${repository} has no branch ${branch}` });
      const { approvalsRequired, self } = await ports.host.facts(repository, signal);
      return `${branch} is at ${head.slice(0, 8)}, asked as ${self}, ${approvalsRequired} approvals are required`;
    }),
  );
  const measured = await tried("metrics", async () => {
    if (ports.metrics === undefined) return "none configured: every soak will end undecided (guard.metrics.source)";
    const names = await ports.metrics.source.names(signal);
    return `${ports.metrics.source.description} answers${names === undefined ? "" : `, ${names.length} metrics`}`;
  });
  const probes = await inParallel(config.execution.max_parallel_clusters, records, async (record) => {
    const minor = minorOf(versionOf(record.entry.currentIstioVersion));
    const found = await clusters.probe(addressOf(record), minor, signal);
    return found.map(
      ({ connection, works, line }): Connection => ({
        name: `${record.entry.clusterId} ${connection}`,
        works,
        line,
      }),
    );
  });
  return { connections: [table, settings, ...git, measured, ...told, ...probes.flat()] };
}

export function describeConnections({ connections }: Validated): readonly string[] {
  const failed = connections.filter(({ works }) => !works).length;
  return [
    ...connections.map(({ name, works, line }) => `${works ? "works" : "FAILS"}  ${name}: ${line}`),
    "",
    failed === 0 ? "Everything works." : `${failed} of ${connections.length} do not work.`,
  ];
}
