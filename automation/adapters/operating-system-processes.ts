import { hostname } from "node:os";
import type { ProcessTable } from "../ports/process-table.ts";
import { identityOf, processSpace } from "./process-facts.ts";

/** Between the space of processes and the process's own start. */
const separator = " / ";

/** The processes that this one can see. */
export const operatingSystemProcesses: ProcessTable = {
  async self() {
    const [space, start] = await Promise.all([processSpace(), identityOf(process.pid)]);
    return { pid: process.pid, startTime: `${space}${separator}${start ?? ""}`, host: hostname() };
  },
  async isAlive(other) {
    const [space = "", start = ""] = other.startTime.split(separator);
    if (other.host !== hostname() || space !== (await processSpace())) return "unknown";
    return (await identityOf(other.pid)) === start;
  },
};
