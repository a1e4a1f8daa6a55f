/** How large the platforms are when nobody says otherwise, and what sizes mean in numbers. */
import type { CloudRunBilling } from "./prices.ts";

/** As the stacks have it; a test holds the two together, since automation imports no component. */
export const defaultSizes = {
  cpu: "1",
  memory: "1Gi",
  /** Cloud Run's minimum of instances. */
  cloudRunInstances: 1,
  /** Pods. */
  gkeInstances: 2,
  /** CPU only during requests (cpuIdle). */
  cloudRunBilling: "request-based",
} as const satisfies {
  cpu: string;
  memory: string;
  cloudRunInstances: number;
  gkeInstances: number;
  cloudRunBilling: CloudRunBilling;
};

/** vCPUs of a Kubernetes quantity ("500m", "2"); undefined when it is none. */
export function vcpusOf(text: string): number | undefined {
  const match = /^(\d+(?:\.\d{1,3})?)(m?)$/.exec(text);
  return match === null ? undefined : Number(match[1]) / (match[2] === "m" ? 1_000 : 1);
}

const units: Readonly<Record<string, number>> = {
  Ki: 2 ** -20,
  Mi: 2 ** -10,
  Gi: 1,
  Ti: 2 ** 10,
  k: 1e3 / 2 ** 30,
  M: 1e6 / 2 ** 30,
  G: 1e9 / 2 ** 30,
  T: 1e12 / 2 ** 30,
};

/** GiB of a Kubernetes quantity ("512Mi", "1.5G"); undefined when it is none. */
export function gibOf(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti|k|M|G|T)?$/.exec(text);
  if (match === null) return undefined;
  const unit = match[2];
  return Number(match[1]) * (unit === undefined ? 2 ** -30 : (units[unit] ?? Number.NaN));
}
