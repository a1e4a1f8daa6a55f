import { checkQuantities, parseCpu, parseMemory } from "../shared/quantity.ts";
import { checkInteger, type Problem, type Range } from "../shared/validation.ts";

/** Sizes and times of the agent on Cloud Run; what each one means stands at AgentPlatformArgs. */
export interface CloudRunSettings {
  readonly cpu: string;
  readonly memory: string;
  readonly concurrency: number;
  readonly minInstances: number;
  readonly maxInstances: number;
  readonly requestTimeoutSeconds: number;
  readonly cpuIdle: boolean;
}

/** Defaults and ranges (local-dev research, statements 24, 38, 39, 44). */
export const cloudRunRanges = {
  concurrency: { default: 80, min: 1, max: 1000, unit: "requests" },
  minInstances: { default: 1, min: 0, max: 1000, unit: "instances" },
  maxInstances: { default: 100, min: 1, max: 1000, unit: "instances" },
  requestTimeoutSeconds: { default: 300, min: 1, max: 3600, unit: "s" },
} as const satisfies Record<string, Range>;

/** Memory in GiB that each number of whole vCPUs may have (statement 48; the second generation starts at 512 MiB). */
const sizes: Readonly<Record<number, { readonly min: number; readonly max: number }>> = {
  1: { min: 0.5, max: 4 },
  2: { min: 0.5, max: 8 },
  4: { min: 2, max: 16 },
  6: { min: 4, max: 24 },
  8: { min: 4, max: 32 },
};

/** All problems of the settings; empty when they are right. */
export function cloudRunSettingProblems(settings: CloudRunSettings): Problem[] {
  const problems = [
    ...checkInteger("concurrency", settings.concurrency, cloudRunRanges.concurrency),
    ...checkInteger("minInstances", settings.minInstances, cloudRunRanges.minInstances),
    ...checkInteger("maxInstances", settings.maxInstances, cloudRunRanges.maxInstances),
    ...checkInteger("requestTimeoutSeconds", settings.requestTimeoutSeconds, cloudRunRanges.requestTimeoutSeconds),
    ...sizeProblems(settings),
  ];
  if (settings.maxInstances < settings.minInstances) {
    problems.push({
      path: "maxInstances",
      value: settings.maxInstances,
      allowed: `at least minInstances (${settings.minInstances})`,
    });
  }
  return problems;
}

function sizeProblems(settings: CloudRunSettings): Problem[] {
  const cpu = parseCpu(settings.cpu);
  const memory = parseMemory(settings.memory);
  if (cpu === undefined || memory === undefined) return checkQuantities(settings.cpu, settings.memory);
  const gibibytes = memory / 2 ** 30;
  if (cpu < 1000) return fractionProblems(settings, cpu, gibibytes);
  const size = sizes[cpu / 1000];
  if (size === undefined) {
    return [{ path: "cpu", value: settings.cpu, allowed: "80m to 1, or 1, 2, 4, 6 or 8 vCPU (Cloud Run)" }];
  }
  if (gibibytes >= size.min && gibibytes <= size.max) return [];
  const allowed = `${size.min * 1024}Mi to ${size.max}Gi with cpu ${settings.cpu} (Cloud Run)`;
  return [{ path: "memory", value: settings.memory, allowed }];
}

/** True below one vCPU, where Cloud Run has only its first generation (statement 49). */
export function needsFirstGeneration(cpu: string): boolean {
  const milli = parseCpu(cpu);
  return milli !== undefined && milli < 1000;
}

/** Below one vCPU: one request at a time, and little memory (statements 48, 49). */
function fractionProblems(settings: CloudRunSettings, cpu: number, gibibytes: number): Problem[] {
  const problems: Problem[] = [];
  if (cpu < 80) problems.push({ path: "cpu", value: settings.cpu, allowed: "at least 80m (Cloud Run)" });
  const limit = cpu < 500 ? 0.5 : 1;
  if (gibibytes > limit) {
    problems.push({
      path: "memory",
      value: settings.memory,
      allowed: `at most ${limit * 1024}Mi with cpu ${settings.cpu} (Cloud Run)`,
    });
  }
  if (!settings.cpuIdle) {
    problems.push({
      path: "cpuIdle",
      value: settings.cpuIdle,
      allowed: `true with cpu ${settings.cpu}: below 1 vCPU Cloud Run bills by request only`,
    });
  }
  if (settings.concurrency !== 1) {
    problems.push({
      path: "concurrency",
      value: settings.concurrency,
      allowed: `1 with cpu ${settings.cpu}: Cloud Run takes more than one request at a time from 1 vCPU on`,
    });
  }
  return problems;
}
