/** Statement 48: memory in MiB that a number of vCPU allows. */
const memoryRange: Readonly<Record<number, readonly [number, number]>> = {
  1: [0, 4096],
  2: [0, 8192],
  4: [2048, 16_384],
  6: [4096, 24_576],
  8: [4096, 32_768],
};
const smallestCpu = 0.08;
const mebibyte = 1024 * 1024;

const memoryUnits: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 1024,
  Mi: mebibyte,
  Gi: 1024 * mebibyte,
};

/** vCPU of `1`, `0.5` or `500m`; undefined when it is not such a quantity. */
export function parseCpu(quantity: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(m?)$/.exec(quantity);
  return match === null ? undefined : Number(match[1]) / (match[2] === "m" ? 1000 : 1);
}

/** Bytes of `512Mi` or `1G`; undefined when it is not such a quantity. */
export function parseMemory(quantity: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(k|M|G|Ki|Mi|Gi)?$/.exec(quantity);
  const unit = memoryUnits[match?.[2] ?? ""];
  return match === null || unit === undefined ? undefined : Math.round(Number(match[1]) * unit);
}

/** What is wrong with a container's limits (`cpu` default 1, `memory` default 512Mi). */
export function describeLimits(
  limits: Readonly<Record<string, string>>,
): readonly { readonly name: string; readonly reason: string }[] {
  const cpu = parseCpu(limits["cpu"] ?? "1");
  const memory = parseMemory(limits["memory"] ?? "512Mi");
  const problems: { name: string; reason: string }[] = [];
  for (const name of Object.keys(limits)) {
    if (name !== "cpu" && name !== "memory")
      problems.push({ name, reason: "is not simulated by the local cloud (cpu and memory are)" });
  }
  if (cpu === undefined)
    problems.push({ name: "cpu", reason: `'${limits["cpu"]}' is not a number of vCPU such as "1" or "500m"` });
  if (memory === undefined)
    problems.push({ name: "memory", reason: `'${limits["memory"]}' is not a size such as "512Mi" or "2Gi"` });
  if (cpu === undefined) return problems;
  const range = rangeOf(cpu);
  if (range === undefined) {
    problems.push({ name: "cpu", reason: `${cpu} is not allowed: from ${smallestCpu} to 1, or 2, 4, 6 or 8` });
  } else if (memory !== undefined && (memory < range[0] * mebibyte || memory > range[1] * mebibyte)) {
    problems.push({
      name: "memory",
      reason: `${limits["memory"] ?? "512Mi (the default)"} is not allowed with ${cpu} vCPU: from ${range[0]} to ${range[1]} MiB`,
    });
  }
  return problems;
}

function rangeOf(cpu: number): readonly [number, number] | undefined {
  if (cpu < smallestCpu) return undefined;
  if (cpu < 0.5) return [0, 512];
  if (cpu < 1) return [0, 1024];
  return memoryRange[cpu];
}
