/** Every connection of guard, each tried for itself: one that fails does not hide the others. */
import type { ConfiguredNotifier } from "../adapters/notifiers.ts";
import { SwitchyardError } from "../errors.ts";
import { minorOf } from "../guard/plan/versions.ts";
import type { ClusterRecord } from "../guard/registry/record.ts";
import type { Registry } from "../guard/registry/registry.ts";
import { addressOf, versionOf } from "../guard/run/cluster.ts";
import { inParallel } from "../guard/run/loop.ts";
import { subjectOf } from "../guard/run/metric-subject.ts";
import type { GuardConfig } from "../guard/settings.ts";
import type { Artifact } from "../ports/artifacts.ts";
import type { EventBus } from "../ports/event-bus.ts";
import type { GitHost } from "../ports/git-host.ts";
import type { GuardStore } from "../ports/guard-store.ts";
import type { RunParts } from "./compose-guard-run.ts";
import { artifactsNow, type Connection, sourceLines } from "./guard-validate-sources.ts";
import { plural } from "./text.ts";

export interface Validated {
  readonly connections: readonly Connection[];
}

export interface Surroundings {
  store(): Promise<GuardStore>;
  registry(): Promise<Registry>;
  readonly parts: Pick<RunParts, "clusters" | "artifacts" | "languageModel" | "host" | "measured" | "checks">;
  /** By name of the target. */
  notifiers(): Promise<Readonly<Record<string, ConfiguredNotifier>>>;
  /** undefined: none is configured. */
  eventBus(): Promise<EventBus | undefined>;
  /** A secret by where the configuration says it is. */
  secret(reference: string): Promise<string>;
}

/** As `guard listen` wants it (adapters/webhook-server.ts). */
const shortestToken = 16;
const defaultToken = "GUARD_HOOK_TOKEN";

type Try = (name: string, work: () => Promise<string>) => Promise<readonly [Connection]>;

/** What it says, or why it does not work; bugs stay bugs. */
const tried: Try = async (name, work) => {
  try {
    return [{ name, works: true, line: await work() }];
  } catch (error) {
    if (!(error instanceof SwitchyardError)) throw error;
    return [{ name, works: false, line: `${error.code}: ${error.message}` }];
  }
};

/** Errors: guard-unknown-cluster (the batch). */
export async function validateConnections(
  surroundings: Surroundings,
  config: GuardConfig,
  batch: string | undefined,
  signal: AbortSignal,
): Promise<Validated> {
  const table = await tried("table", async () => {
    const store = await surroundings.store();
    return `${store.description}: ${plural((await store.clusters()).length, "cluster")}`;
  });
  const records = table[0].works ? await recordsOf(surroundings, batch) : [];
  const lines = await Promise.all([
    gitLines(surroundings, config, records, signal),
    metricLines(surroundings, records, signal),
    modelLines(surroundings, config, signal),
    toldLines(surroundings, config),
    Promise.all(
      surroundings.parts.checks.map(({ name, load }) =>
        tried(`check ${name}`, async () => `${(await load()).name} is loaded`),
      ),
    ),
    clusterLines(surroundings, config, records, signal),
  ]);
  return { connections: [table, ...lines.flat()].flat() };
}

async function recordsOf(surroundings: Surroundings, batch: string | undefined): Promise<readonly ClusterRecord[]> {
  const registry = await surroundings.registry();
  const loaded = await (batch === undefined ? registry.loadAll() : registry.loadBatch(batch));
  return loaded.map(({ record }) => record);
}

/** The host, what its repositories say, and where what stands in them comes from. */
async function gitLines(
  { parts }: Surroundings,
  config: GuardConfig,
  records: readonly ClusterRecord[],
  signal: AbortSignal,
): Promise<readonly Connection[]> {
  let host: GitHost | undefined;
  const opened = await tried("GitLab", async () => {
    host = await parts.host();
    return `${host.description}: its token is there`;
  });
  const asked = host;
  const branch = config.gitlab.default_target_branch;
  const repositories = [...Map.groupBy(records, ({ entry }) => entry.gitlabRepo)].toSorted(([a], [b]) =>
    a < b ? -1 : 1,
  );
  const wanted: Artifact[] = [];
  const read = await inParallel(config.execution.max_parallel_clusters, repositories, ([repository, members]) =>
    tried(`repository ${repository}`, async () => {
      if (asked === undefined)
        throw new SwitchyardError("credentials-missing", { message: "not tried: GitLab cannot be asked" });
      const head = await asked.head(repository, branch, signal);
      if (head === undefined)
        throw new SwitchyardError("git-host-not-found", { message: `${repository} has no branch ${branch}` });
      const { approvalsRequired, self } = await asked.facts(repository, signal);
      wanted.push(...(await artifactsNow({ host: asked, repository, commit: head, members }, signal)));
      return `${branch} is at ${head.slice(0, 8)}, asked as ${self}, ${approvalsRequired} approvals are required`;
    }),
  );
  return [...opened, ...read.flat(), ...(await sourceLines(parts.artifacts, wanted, signal))];
}

async function metricLines(
  { parts }: Surroundings,
  [first]: readonly ClusterRecord[],
  signal: AbortSignal,
): Promise<readonly Connection[]> {
  let opened: Awaited<ReturnType<RunParts["measured"]>>;
  const metrics = await tried("metrics", async () => {
    opened = await parts.measured();
    if (opened === undefined) return "none configured: every soak will end undecided (guard.metrics.source)";
    const { source } = opened.metrics;
    const names = await source.names(signal);
    return `${source.description} answers${names === undefined ? "" : `, ${names.length} metrics`}`;
  });
  const measured = opened;
  if (measured === undefined || first === undefined) return metrics;
  const monitors = await tried("monitors", async () => {
    const { length } = await measured.monitors.inScope(subjectOf(first), signal);
    return `${measured.monitors.description} answer, ${plural(length, "monitor")} about ${first.entry.clusterId}`;
  });
  return [...metrics, ...monitors];
}

async function modelLines(
  { parts: { languageModel } }: Surroundings,
  { llm }: GuardConfig,
  signal: AbortSignal,
): Promise<readonly Connection[]> {
  if (languageModel === undefined) return [];
  return tried("language model", async () => {
    const question = { system: "Answer with JSON alone.", prompt: 'Answer {"ok":true}', maxTokens: llm.max_tokens };
    await languageModel.complete(question, signal);
    return `${languageModel.description} answers; nothing of the fleet was sent`;
  });
}

/** Who is told, and who tells: nothing is sent. */
async function toldLines(
  { notifiers, eventBus, secret }: Surroundings,
  { event_bus: bus, listen }: GuardConfig,
): Promise<readonly Connection[]> {
  const targets = await Promise.all(
    Object.entries(await notifiers()).map(([name, { description, open }]) =>
      tried(`notifier ${name}`, async () => {
        await open();
        return `${description} can be told; nothing was sent`;
      }),
    ),
  );
  const events =
    bus === undefined
      ? []
      : await tried("event bus", async () => {
          const { description = bus.name } = (await eventBus()) ?? {};
          return `${description} is configured; an event tells whether it takes them, and none was sent`;
        });
  // Without `guard listen` nobody needs it.
  const hooks = await tried("listen", async () => {
    try {
      const { length } = await secret(listen.token_from);
      if (length >= shortestToken) return `the token for hooks (${listen.token_from}) is there`;
    } catch (error) {
      const unset = error instanceof SwitchyardError && error.code === "credentials-missing";
      if (unset && listen.token_from === defaultToken) return "no token for hooks is set: guard listen cannot be used";
      throw error;
    }
    throw new SwitchyardError("invalid-config", {
      message: `the token for hooks has less than ${shortestToken} characters`,
    });
  });
  return [...targets.flat(), ...events, ...hooks];
}

async function clusterLines(
  { parts: { clusters } }: Surroundings,
  { execution }: GuardConfig,
  records: readonly ClusterRecord[],
  signal: AbortSignal,
): Promise<readonly Connection[]> {
  const probes = await inParallel(execution.max_parallel_clusters, records, async ({ entry, ...rest }) => {
    const minor = minorOf(versionOf(entry.currentIstioVersion));
    const found = await clusters.probe(addressOf({ entry, ...rest }), minor, signal);
    return found.map(
      ({ connection, works, line }): Connection => ({ name: `${entry.clusterId} ${connection}`, works, line }),
    );
  });
  return probes.flat();
}

export function describeConnections({ connections }: Validated): readonly string[] {
  const failed = connections.filter(({ works }) => !works).length;
  return [
    ...connections.map(({ name, works, line }) => `${works ? "works" : "FAILS"}  ${name}: ${line}`),
    "",
    failed === 0 ? "Everything works." : `${failed} of ${connections.length} do not work.`,
  ];
}
