/** A process of guard in the simulated world: every call to the outside goes through it, so that it can die or stand still at any of them. */

import type { RunPorts } from "../../guard/run/context.ts";
import type { KubernetesApi } from "../../ports/kubernetes-api.ts";
import { SimulatedProcess } from "../simulation/process.ts";
import type { Fleet } from "./fleet.ts";

/** A call of the process to a port: its name, and whether it is about to be made or has been answered. */
export interface Moment {
  readonly call: string;
  readonly when: "before" | "after";
}

/** Calls that change something outside: to die around one of them is what a tool must survive. */
export const changing: readonly string[] = [
  "store.write",
  "store.lock",
  "store.renew",
  "store.unlock",
  "store.keep",
  "store.archive",
  "host.commit",
  "host.createMergeRequest",
  "host.updateMergeRequest",
  "host.comment",
  "kubernetes.restart",
  "kubernetes.reconcile",
];

export interface GuardedProcess {
  readonly process: SimulatedProcess;
  readonly ports: RunPorts;
}

/** `at` is asked at each moment and may kill or stop the process. */
export function startProcess(
  fleet: Fleet,
  pid: number,
  at: (moment: Moment, process: SimulatedProcess) => void,
): GuardedProcess {
  const process = new SimulatedProcess(fleet.clock, pid, "drill");
  const through = async <Result>(call: string, work: () => Promise<Result>): Promise<Result> => {
    at({ call, when: "before" }, process);
    return process.through(async () => {
      const result = await work();
      at({ call, when: "after" }, process);
      return result;
    });
  };
  const { store, host, clusters, metrics } = fleet.ports;
  return {
    process,
    ports: {
      ...fleet.ports,
      clock: process.clock,
      store: wrapped("store", store, through),
      host: wrapped("host", host, through),
      clusters: {
        kubernetes: (address) => wrapped<KubernetesApi>("kubernetes", clusters.kubernetes(address), through),
        mesh: (address, minor) => wrapped("mesh", clusters.mesh(address, minor), through),
        eks: (address, signal) => through("eks", () => clusters.eks(address, signal)),
      },
      metrics,
    },
  };
}

type Through = <Result>(call: string, work: () => Promise<Result>) => Promise<Result>;

/** A port whose methods all go through. Each of them returns a promise. */
function wrapped<Port extends object>(name: string, port: Port, through: Through): Port {
  return new Proxy(port, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== "function") return value;
      return (...args: readonly unknown[]) =>
        through(`${name}.${String(key)}`, async () => Reflect.apply(value, target, args));
    },
  });
}
