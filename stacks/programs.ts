/** The programs as a table that costs nothing to load: most commands that have an engine run none of them. */
import type { ProgramName } from "./config.ts";

/** A Pulumi program: declares resources and returns the stack's outputs. */
export type Program = () => Promise<Record<string, unknown>>;

/** guard is a program of the plain CLI alone: it is of AWS, and no side of the agent, so that `switchyard up` and its like do not know it. */
export type StackProgram = ProgramName | "guard";

/** The programs by name. Each is loaded only when it runs: the SDK of a cloud it does not use costs time. */
export const programs: Readonly<Record<StackProgram, () => Promise<Program>>> = {
  "cloud-run": async () => (await import("./cloud-run.ts")).cloudRun,
  gke: async () => (await import("./gke.ts")).gke,
  guard: async () => (await import("./guard.ts")).guard,
  observability: async () => (await import("./observability.ts")).observability,
  traffic: async () => (await import("./traffic.ts")).traffic,
};
