import type { Problem } from "./validation.ts";

const memoryUnits = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, k: 1e3, M: 1e6, G: 1e9, T: 1e12 } as const;

/** Thousandths of a vCPU of a Kubernetes quantity ("500m", "0.5", "2"); undefined when it is none. */
export function parseCpu(text: string): number | undefined {
  const milli = /^(\d+)m$/.exec(text);
  if (milli !== null) return Number(milli[1]);
  return /^\d+(?:\.\d{1,3})?$/.test(text) ? Math.round(Number(text) * 1000) : undefined;
}

/** Bytes of a Kubernetes quantity ("512Mi", "1Gi", "1.5G"); undefined when it is none. */
export function parseMemory(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti|k|M|G|T)?$/.exec(text);
  if (match === null) return undefined;
  const unit = match[2];
  const factor = unit !== undefined && unit in memoryUnits ? memoryUnits[unit as keyof typeof memoryUnits] : 1;
  return Math.round(Number(match[1]) * factor);
}

/** Problems of the two texts as quantities; the platform's own rules come on top. */
export function checkQuantities(cpu: string, memory: string): Problem[] {
  const problems: Problem[] = [];
  if (parseCpu(cpu) === undefined) {
    problems.push({ path: "cpu", value: cpu, allowed: 'vCPUs as a Kubernetes quantity, for example "1" or "500m"' });
  }
  if (parseMemory(memory) === undefined) {
    problems.push({ path: "memory", value: memory, allowed: 'a Kubernetes quantity, for example "512Mi" or "1Gi"' });
  }
  return problems;
}
