import { hostname } from "node:os";
import type { ProcessTable } from "../ports/process-table.ts";
import { startTimeOf } from "./process-facts.ts";

/** Start times are read to a second; the two readings of one process may differ by rounding. */
const sameStartMs = 2_000;

/** This machine's processes. */
export const operatingSystemProcesses: ProcessTable = {
  async self() {
    return { pid: process.pid, startTime: String((await startTimeOf(process.pid)) ?? 0), host: hostname() };
  },
  async isAlive(other) {
    if (other.host !== hostname()) return "unknown";
    const started = await startTimeOf(other.pid);
    return started !== undefined && Math.abs(started - Number(other.startTime)) < sameStartMs;
  },
};
