/** `guard status` as the process that a person waits for: 75 clusters in the midst of an upgrade, each with a whole history, from DynamoDB's stand-in. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createDynamoGuardStore } from "../../automation/adapters/guard-store-dynamodb.ts";
import { type ClusterRecord, clusterEntry } from "../../automation/guard/registry/record.ts";
import { createRegistry, historyLength } from "../../automation/guard/registry/registry.ts";
import { guardConfig } from "../../automation/guard/settings.ts";
import { quantile } from "../../automation/swap/gates/window.ts";
import { serveDynamoDb } from "../../local/aws/dynamodb.ts";
import { openCliCheckout } from "../support/cli.ts";

const clusters = 75;
const runs = 10;
const limitMs = 1_000;

const database = await serveDynamoDb({ tableChangeMs: 0 });
const cli = await openCliCheckout();
try {
  await writeFile(
    join(cli.root, "switchyard.yaml"),
    JSON.stringify({
      guard: { aws: { dynamodb: { endpoint: database.endpoint } } },
      environments: { local: { cloud: "local" } },
    }),
  );
  await fill(database.endpoint);
  await cli.run(["guard", "status"]);
  const times: number[] = [];
  const peers: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const { stdout, ms } = await cli.run(["guard", "status"]);
    if (!stdout.includes(`prod-${clusters}`)) throw new Error(stdout);
    times.push(ms);
    peers.push((await cli.run(["--version"])).ms);
  }
  const p50 = quantile(times, 0.5) ?? Number.NaN;
  const p95 = quantile(times, 0.95) ?? Number.NaN;
  const peer = quantile(peers, 0.5) ?? Number.NaN;
  const met = p50 <= limitMs;
  process.stdout.write(
    `guard status, ${clusters} clusters: p50 ${p50.toFixed(0)} ms, p95 ${p95.toFixed(0)} ms, ${(p50 / peer).toFixed(1)} times --version (limit ${limitMs} ms: ${met ? "met" : "missed"})\n`,
  );
  if (!met) process.exitCode = 1;
} finally {
  await cli.close();
  await database.close();
}

async function fill(endpoint: string): Promise<void> {
  const { table_name: table } = guardConfig.parse({}).aws.dynamodb;
  const store = createDynamoGuardStore({
    table,
    region: "eu-central-1",
    endpoint: async () => endpoint,
    ensureTable: true,
  });
  const registry = createRegistry(store);
  for (let index = 1; index <= clusters; index += 1) {
    const record = soaking(index);
    await registry.save(await registry.add(record.entry, record.since, 1), record, 1);
  }
  await store.close();
}

function soaking(index: number): ClusterRecord {
  const since = Date.now() - 600_000;
  const entry = clusterEntry.parse({
    clusterId: `prod-${index}`,
    batchId: `prod-wave-${1 + (index % 5)}`,
    environment: "production",
    region: "eu-central-1",
    gitlabRepo: "mesh/fleet",
    fluxConfigPath: `clusters/prod-${index}`,
    currentIstioVersion: "1.30.5",
    datadogTags: { cluster: `prod-${index}` },
  });
  const mergeRequest = {
    repository: "mesh/fleet",
    branch: "guard/upgrade-istio-1.31.1-prod-wave-1-0a1b2c3d",
    iid: index,
    url: `https://gitlab.example.com/mesh/fleet/-/merge_requests/${index}`,
    base: "0".repeat(40),
    commit: "1".repeat(40),
  };
  const step = { index: 0, attempt: 1, checkedAt: since, mergeRequest };
  return {
    entry,
    state: "soaking_data_plane",
    since,
    run: {
      plan: "0a1b2c3d".repeat(8),
      hop: 0,
      from: "1.30.5",
      to: "1.31.1",
      strategy: "in-place",
      startedAt: since,
      step,
      landed: [step],
      soak: { startedAt: since, endsAt: since + 3_600_000, extended: false },
      restarted: Array.from({ length: 40 }, (_, workload) => `Deployment shop/service-${workload}`),
    },
    history: Array.from({ length: historyLength }, (_, line) => ({
      at: since + line,
      event: "flux_synced",
      from: "mr_merged",
      to: "flux_synced",
      by: "ops@ci-runner 4711 0a1b2c3d",
    })),
  };
}
