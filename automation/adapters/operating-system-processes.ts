import { hostname } from "node:os";
import type { ProcessTable } from "../ports/process-table.ts";
import { identityOf } from "./process-facts.ts";

/** This machine's processes. */
export const operatingSystemProcesses: ProcessTable = {
  async self() {
    return { pid: process.pid, startTime: (await identityOf(process.pid)) ?? "", host: hostname() };
  },
  async isAlive(other) {
    if (other.host !== hostname()) return "unknown";
    return (await identityOf(other.pid)) === other.startTime;
  },
};
