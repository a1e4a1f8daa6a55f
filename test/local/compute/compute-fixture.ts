import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CloudRun } from "../../../local/cloud-run/cloud-run.ts";
import type { EndpointGroups } from "../../../local/compute/backend-services.ts";
import type { Compute } from "../../../local/compute/compute.ts";
import { createCompute } from "../../../local/compute/create-compute.ts";
import { openResourceStore } from "../../../local/compute/file-resource-store.ts";
import type { ListenerHost } from "../../../local/compute/load-balancer.ts";
import type { ResourceStore } from "../../../local/compute/resource-store.ts";
import type { Properties } from "../../../local/compute/resources.ts";
import { tokens } from "../../../local/compute/tokens.ts";
import type { Backend } from "../../../local/router/backend.ts";
import type { RoutingTable } from "../../../local/router/routing-table.ts";
import { type ManualClock, manualClock } from "./manual-clock.ts";

type Groups = ReturnType<EndpointGroups["list"]>;

/** Compute over a real store, with endpoint groups, Cloud Run and listeners that a test plays. */
export interface ComputeFixture {
  readonly compute: Compute;
  readonly resources: ResourceStore;
  readonly clock: ManualClock;
  /** The workers' routes by listener name, as last set. */
  readonly listening: ReadonlyMap<string, readonly RoutingTable[]>;
  /** Declares backend services without backends in project p1. */
  declareServices(...names: string[]): Promise<void>;
  declare(type: string, id: string, inputs: Properties): Promise<void>;
  setGroups(groups: Groups): void;
  setPropagationDelay(ms: number): void;
  /** How the data plane follows; what is not given stays. */
  setFollowing(change: { readonly workers?: number; readonly spreadMs?: number; readonly inOrder?: boolean }): void;
  readonly runServices: Map<string, Backend>;
  close(): Promise<void>;
}

export interface ComputeFixtureOptions {
  readonly clock: ManualClock;
}

export function computeFixture(): ComputeFixtureOptions {
  return { clock: manualClock() };
}

export async function openComputeFixture({ clock }: ComputeFixtureOptions): Promise<ComputeFixture> {
  const folder = await mkdtemp(join(tmpdir(), "compute-"));
  const resources = await openResourceStore(join(folder, "resources.json"));
  const listening = new Map<string, RoutingTable[]>();
  const runServices = new Map<string, Backend>();
  let groups: Groups = [];
  let following = { delayMs: 0, workers: 1, spreadMs: 0, inOrder: true };
  const groupListeners = new Set<() => void>();
  const host: ListenerHost = {
    async open({ name, workers, routes }) {
      const tables = Array.from({ length: workers }, (_, worker) => routes(worker));
      listening.set(name, tables);
      return {
        setRoutes(next, worker) {
          tables[worker] = next;
        },
        close: async () => void listening.delete(name),
      };
    },
  };
  const compute = await createCompute({
    folder,
    resources,
    clock,
    host,
    cloudRun: fakeCloudRun(runServices),
    endpointGroups: {
      list: () => groups,
      onChange(listener) {
        groupListeners.add(listener);
        return () => groupListeners.delete(listener);
      },
    },
    probe: async () => true,
    random: () => 0.5,
    following: {
      workers: () => following.workers,
      delayMs: () => following.delayMs,
      spreadMs: () => following.spreadMs,
      inOrder: () => following.inOrder,
    },
    listenerPorts: {},
  });
  const declare = (type: string, id: string, inputs: Properties): Promise<void> =>
    resources.put({ provider: "gcp", type, id, inputs, outputs: {} });
  return {
    compute,
    resources,
    clock,
    listening,
    runServices,
    declare,
    async declareServices(...names) {
      for (const name of names)
        await declare(tokens.backendService, `projects/p1/global/backendServices/${name}`, { name });
    },
    setGroups(next) {
      groups = next;
      for (const listener of groupListeners) listener();
    },
    setPropagationDelay(delayMs) {
      following = { ...following, delayMs };
    },
    setFollowing(change) {
      following = { ...following, ...change };
    },
    async close() {
      await compute.close();
      await rm(folder, { recursive: true });
    },
  };
}

function fakeCloudRun(services: ReadonlyMap<string, Backend>): CloudRun {
  const absent = (): never => {
    throw new Error("This Cloud Run only has backends.");
  };
  return {
    deploy: absent,
    restore: absent,
    metrics: () => [],
    get: () => undefined,
    delete: absent,
    backend: (name) => services.get(name),
    close: async () => {},
  };
}
