import { checkQuantities, parseCpu, parseMemory } from "../shared/quantity.ts";
import { checkInteger, type Problem, type Range } from "../shared/validation.ts";
import { graceLimitSeconds, graceMarginSeconds, terminationGraceSeconds } from "./pod-timing.ts";

/** Sizes and times of the agent on GKE; what each one means stands at AgentPlatformArgs. */
export interface GkeSettings {
  readonly replicas: number;
  readonly maxReplicas: number;
  readonly cpu: string;
  readonly memory: string;
  readonly requestTimeoutSeconds: number;
  readonly drainSeconds: number;
  readonly preStopSeconds: number;
  readonly cpuUtilization: number;
}

/** Defaults and ranges. */
export const gkeRanges = {
  replicas: { default: 2, min: 1, max: 1000, unit: "pods" },
  maxReplicas: { default: 10, min: 1, max: 1000, unit: "pods" },
  requestTimeoutSeconds: { default: 300, min: 1, max: 3600, unit: "s" },
  drainSeconds: { default: 300, min: 1, max: graceLimitSeconds, unit: "s" },
  // 40 s: Google's figure for container-native balancing; the balancer needs two failed checks of 5 s and time to spread the news.
  preStopSeconds: { default: 40, min: 0, max: 300, unit: "s" },
  cpuUtilization: { default: 60, min: 10, max: 95, unit: "%" },
} as const satisfies Record<string, Range>;

/** Autopilot's general-purpose class, with bursting (local-dev research, statements 93-97). */
const generalPurpose = { minCpu: 50, maxCpu: 30_000, minMemoryMiB: 52, maxMemoryGiB: 110, minRatio: 1, maxRatio: 6.5 };

/** All problems of the settings; empty when they are right. */
export function gkeSettingProblems(settings: GkeSettings): Problem[] {
  return [
    ...checkInteger("replicas", settings.replicas, gkeRanges.replicas),
    ...checkInteger("maxReplicas", settings.maxReplicas, gkeRanges.maxReplicas),
    ...checkInteger("requestTimeoutSeconds", settings.requestTimeoutSeconds, gkeRanges.requestTimeoutSeconds),
    ...checkInteger("drainSeconds", settings.drainSeconds, gkeRanges.drainSeconds),
    ...checkInteger("preStopSeconds", settings.preStopSeconds, gkeRanges.preStopSeconds),
    ...checkInteger("cpuUtilization", settings.cpuUtilization, gkeRanges.cpuUtilization),
    ...orderProblems(settings),
    ...sizeProblems(settings.cpu, settings.memory),
  ];
}

function orderProblems(settings: GkeSettings): Problem[] {
  const problems: Problem[] = [];
  if (settings.maxReplicas < settings.replicas) {
    problems.push({
      path: "maxReplicas",
      value: settings.maxReplicas,
      allowed: `at least replicas (${settings.replicas})`,
    });
  }
  if (settings.drainSeconds < settings.requestTimeoutSeconds) {
    problems.push({
      path: "drainSeconds",
      value: settings.drainSeconds,
      allowed: `at least requestTimeoutSeconds (${settings.requestTimeoutSeconds} s), or a pod would end with requests in flight`,
    });
  }
  if (terminationGraceSeconds(settings) > graceLimitSeconds) {
    problems.push({
      path: "drainSeconds",
      value: settings.drainSeconds,
      allowed: `at most ${graceLimitSeconds - graceMarginSeconds - settings.preStopSeconds} s with preStopSeconds ${settings.preStopSeconds}: Autopilot gives a pod ${graceLimitSeconds} s to end`,
    });
  }
  return problems;
}

/** Autopilot raises what is too small or out of ratio, and every later update would then show a change: refuse it here. */
function sizeProblems(cpuText: string, memoryText: string): Problem[] {
  const cpu = parseCpu(cpuText);
  const memory = parseMemory(memoryText);
  if (cpu === undefined || memory === undefined) return checkQuantities(cpuText, memoryText);
  const problems: Problem[] = [];
  if (cpu < generalPurpose.minCpu || cpu > generalPurpose.maxCpu) {
    problems.push({ path: "cpu", value: cpuText, allowed: "50m to 30 vCPU (Autopilot, general purpose)" });
  }
  const mebibytes = memory / 2 ** 20;
  if (mebibytes < generalPurpose.minMemoryMiB || mebibytes > generalPurpose.maxMemoryGiB * 1024) {
    problems.push({ path: "memory", value: memoryText, allowed: "52Mi to 110Gi (Autopilot, general purpose)" });
  }
  const ratio = mebibytes / 1024 / (cpu / 1000);
  if (ratio < generalPurpose.minRatio || ratio > generalPurpose.maxRatio) {
    problems.push({
      path: "memory",
      value: memoryText,
      allowed: `1 to 6.5 GiB per vCPU (Autopilot), that is ${mebi(cpu, generalPurpose.minRatio)} to ${mebi(cpu, generalPurpose.maxRatio)} for cpu ${cpuText}`,
    });
  }
  return problems;
}

function mebi(milliCpu: number, ratio: number): string {
  return `${Math.floor((milliCpu / 1000) * ratio * 1024)}Mi`;
}
