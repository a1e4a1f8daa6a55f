/** What each platform can do, as the vendors document it and as the stack programs of this product use it. */

export interface PlatformFacts {
  /** Most of one instance. */
  readonly vcpus: number;
  readonly gib: number;
  /** Longest request, s; undefined: the balancer's time limit is the only one, and it is a setting. */
  readonly longestRequestS: number | undefined;
  readonly websocket: boolean;
  readonly streaming: boolean;
  readonly scaleToZero: boolean;
  /** Whether the stack program gives instances an address in a network of the project. */
  readonly privateNetwork: boolean;
  /** GPUs of an instance, what such an instance needs at least, and where they are had (undefined: everywhere). */
  readonly gpu: {
    readonly most: number;
    readonly minVcpus: number;
    readonly minGib: number;
    readonly regions: readonly string[] | undefined;
  };
  /** Instances that are kept where switchyard.yaml says nothing. */
  readonly defaultMinInstances: number;
  /** Where it is documented, and when that was read. */
  readonly sources: readonly string[];
  readonly date: string;
}

export const platformFacts: Readonly<Record<string, PlatformFacts>> = {
  "cloud-run": {
    vcpus: 8,
    gib: 32,
    longestRequestS: 3_600,
    websocket: true,
    streaming: true,
    scaleToZero: true,
    // Google has it (direct VPC egress); the program cloud-run does not declare it.
    privateNetwork: false,
    gpu: {
      most: 1,
      minVcpus: 4,
      minGib: 16,
      regions: ["asia-southeast1", "europe-west1", "europe-west4", "us-central1", "us-east4"],
    },
    defaultMinInstances: 1,
    sources: ["https://cloud.google.com/run/quotas", "https://cloud.google.com/run/docs/configuring/services/gpu"],
    date: "2026-11-30",
  },
  gke: {
    vcpus: 30,
    gib: 110,
    longestRequestS: undefined,
    websocket: true,
    streaming: true,
    scaleToZero: false,
    privateNetwork: true,
    gpu: { most: 8, minVcpus: 0, minGib: 0, regions: undefined },
    defaultMinInstances: 2,
    sources: ["https://cloud.google.com/kubernetes-engine/docs/concepts/autopilot-resource-requests"],
    date: "2026-11-30",
  },
};
