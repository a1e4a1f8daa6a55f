import { z } from "zod";
import { CloudRunError, type SettingProblem } from "./cloud-run-error.ts";
import { describeLimits, parseCpu, parseMemory } from "./instance-size.ts";
import {
  defaultStartupProbe,
  livenessProbeSchema,
  type Probe,
  readinessProbeSchema,
  startupProbeSchema,
} from "./probe-settings.ts";

/** What the local cloud acts on, with defaults filled in. */
export interface ServiceSettings {
  readonly image: string;
  readonly env: Readonly<Record<string, string>>;
  /** Variables by the name of the secret's version that holds their value. */
  readonly secretEnv: Readonly<Record<string, string>>;
  /** Replaces the image's start command; undefined keeps it. */
  readonly command: readonly string[] | undefined;
  readonly cpu: number;
  readonly memoryBytes: number;
  readonly concurrency: number;
  readonly timeoutMs: number;
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe | undefined;
  readonly readinessProbe: Probe | undefined;
  readonly minInstances: number;
  readonly maxInstances: number;
  /** Custom name of the revision. */
  readonly revision: string | undefined;
  /** Revision that is pinned by `traffics`; undefined is the latest ready one. */
  readonly pinnedRevision: string | undefined;
}

/** Maximum instances of a revision without a setting (statement 39). */
const defaultMaxInstances = 100;
/** Environment names that the platform sets itself (statement 2). */
const reservedNames = new Set(["PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION"]);
/** Statement 50. */
const envLimits = { variables: 1000, valueBytes: 32_768 };

const count = z.int().min(0);

const secretName = /^(?:projects\/[a-z0-9][a-z0-9.:-]*\/secrets\/)?[A-Za-z0-9_-]{1,255}$/;

const envSchema = z.looseObject({
  name: z.string().min(1),
  value: z.string().default(""),
  valueSource: z
    .looseObject({
      secretKeyRef: z.looseObject({
        secret: z
          .string()
          .regex(secretName, "must be a secret's name, or projects/PROJECT/secrets/SECRET for one of another project"),
        version: z.string().regex(/^(?:latest|[1-9]\d*)$/, "must be a version's number or latest"),
      }),
    })
    .optional(),
});

const containerSchema = z.looseObject({
  image: z.string().min(1),
  commands: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  envs: z
    .array(envSchema)
    .max(envLimits.variables, `at most ${envLimits.variables} environment variables are allowed`)
    .default([]),
  ports: z
    .looseObject({
      containerPort: z.int().min(1).max(65_535).default(8080),
      name: z.literal(["", "http1"], "the local cloud serves http1 only (h2c is not simulated)").optional(),
    })
    .optional(),
  resources: z
    .looseObject({
      limits: z.record(z.string(), z.string()).default({}),
      cpuIdle: z.boolean().optional(),
      startupCpuBoost: z.boolean().optional(),
    })
    .optional(),
  startupProbe: startupProbeSchema.optional(),
  livenessProbe: livenessProbeSchema.optional(),
  readinessProbe: readinessProbeSchema.optional(),
  volumeMounts: z.array(z.unknown()).max(0, "volumes are not simulated by the local cloud").optional(),
  workingDir: z.undefined("a working directory is not simulated by the local cloud").optional(),
});

/** `300s` or `3.5s`, statement 24. */
const timeoutSchema = z
  .string()
  .regex(/^\d+(?:\.\d+)?s$/, 'must be a duration in seconds such as "300s"')
  .transform((text) => Number(text.slice(0, -1)) * 1000)
  .refine((ms) => ms >= 1000 && ms <= 3_600_000, "must be from 1s to 3600s");

const scalingSchema = z.looseObject({ minInstanceCount: count.optional(), maxInstanceCount: count.optional() });

const serviceSchema = z.looseObject({
  project: z.string().optional(),
  ingress: z
    .enum(["INGRESS_TRAFFIC_ALL", "INGRESS_TRAFFIC_INTERNAL_ONLY", "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"])
    .optional(),
  scaling: scalingSchema
    .extend({ scalingMode: z.enum(["AUTOMATIC", "MANUAL"]).optional(), manualInstanceCount: count.optional() })
    .optional(),
  template: z.looseObject({
    revision: z.string().optional(),
    containers: z
      .tuple([containerSchema], z.unknown())
      .refine((containers) => containers.length === 1, "the local cloud runs one container per instance (no sidecars)"),
    maxInstanceRequestConcurrency: z.int().min(1).max(1000).optional(),
    timeout: timeoutSchema.default(300_000),
    scaling: scalingSchema.optional(),
    sessionAffinity: z.literal(false, "session affinity is not simulated by the local cloud").optional(),
    volumes: z.array(z.unknown()).max(0, "volumes are not simulated by the local cloud").optional(),
  }),
  traffics: z
    .array(
      z.looseObject({
        type: z.enum(["TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"]),
        revision: z.string().optional(),
        percent: z.int().min(0).max(100).default(0),
        tag: z.undefined("traffic tags are not simulated by the local cloud").optional(),
      }),
    )
    .optional(),
});

type ParsedService = z.infer<typeof serviceSchema>;

/** Everything that is wrong with a service's settings; empty when they are acceptable. */
export function checkServiceSettings(inputs: unknown): readonly SettingProblem[] {
  const parsed = serviceSchema.safeParse(inputs);
  if (!parsed.success) {
    return parsed.error.issues.map(({ path, message }) => ({ property: propertyPath(path), reason: message }));
  }
  return rules(parsed.data);
}

/** Errors: CloudRunError 400 that names every problem. */
export function parseServiceSettings(inputs: unknown): ServiceSettings {
  const problems = checkServiceSettings(inputs);
  if (problems.length > 0) {
    const text = problems.map(({ property, reason }) => `${property}: ${reason}`).join("; ");
    throw new CloudRunError(400, `Violation in Service settings: ${text}`, { problems });
  }
  return toSettings(serviceSchema.parse(inputs));
}

function propertyPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === "number" ? `[${part}]` : `${index === 0 ? "" : "."}${String(part)}`))
    .join("");
}

function toSettings(service: ParsedService): ServiceSettings {
  const { template } = service;
  const [container] = template.containers;
  const limits = container.resources?.limits ?? {};
  const cpu = parseCpu(limits["cpu"] ?? "1") ?? 1;
  const scaling = scalingOf(service);
  const command = [...(container.commands ?? []), ...(container.args ?? [])];
  return {
    image: container.image,
    env: Object.fromEntries(
      container.envs.flatMap(({ name, value, valueSource }) => (valueSource === undefined ? [[name, value]] : [])),
    ),
    secretEnv: Object.fromEntries(
      container.envs.flatMap(({ name, valueSource }) => {
        if (valueSource === undefined) return [];
        const { secret, version } = valueSource.secretKeyRef;
        const whole = secret.includes("/") ? secret : `projects/${service.project ?? "-"}/secrets/${secret}`;
        return [[name, `${whole}/versions/${version}`]];
      }),
    ),
    command: command.length > 0 ? command : undefined,
    cpu,
    memoryBytes: parseMemory(limits["memory"] ?? "512Mi") ?? 0,
    concurrency: template.maxInstanceRequestConcurrency ?? defaultConcurrency(cpu),
    timeoutMs: template.timeout,
    startupProbe: container.startupProbe ?? defaultStartupProbe,
    livenessProbe: container.livenessProbe,
    readinessProbe: container.readinessProbe,
    minInstances: scaling.min,
    maxInstances: scaling.max,
    revision: template.revision,
    pinnedRevision: service.traffics?.find(({ percent }) => percent === 100)?.revision,
  };
}

/** Statement 44: Pulumi's provider is Terraform's, which takes 80 per vCPU; below one vCPU only 1 is possible. */
function defaultConcurrency(cpu: number): number {
  return cpu < 1 ? 1 : Math.min(1000, 80 * cpu);
}

function scalingOf({ scaling, template }: ParsedService): { readonly min: number; readonly max: number } {
  if (scaling?.scalingMode === "MANUAL") {
    const fixed = scaling.manualInstanceCount ?? 0;
    return { min: fixed, max: fixed };
  }
  // 0 stands for "not set", as in the API.
  const maxima = [template.scaling?.maxInstanceCount, scaling?.maxInstanceCount].filter(
    (max) => max !== undefined && max > 0,
  );
  return {
    min: Math.max(template.scaling?.minInstanceCount ?? 0, scaling?.minInstanceCount ?? 0),
    max: Math.min(
      ...maxima.filter((max) => max !== undefined),
      maxima.length === 0 ? defaultMaxInstances : Number.POSITIVE_INFINITY,
    ),
  };
}

function rules(service: ParsedService): SettingProblem[] {
  const { template } = service;
  const [container] = template.containers;
  const problems: SettingProblem[] = [];
  const refuse = (property: string, reason: string): void => void problems.push({ property, reason });
  const at = "template.containers[0]";

  container.envs.forEach(({ name, value, valueSource }, index) => {
    if (reservedNames.has(name)) {
      refuse(
        `${at}.envs[${index}].name`,
        `The following reserved env names were provided: ${name}. These values are automatically set by the system.`,
      );
    }
    if (valueSource !== undefined && value !== "")
      refuse(`${at}.envs[${index}]`, "A variable has a value or a value source, not both.");
    if (Buffer.byteLength(value) > envLimits.valueBytes) {
      refuse(`${at}.envs[${index}].value`, `is longer than ${envLimits.valueBytes} bytes`);
    }
  });
  const limits = container.resources?.limits ?? {};
  for (const { name, reason } of describeLimits(limits)) refuse(`${at}.resources.limits.${name}`, reason);
  const cpu = parseCpu(limits["cpu"] ?? "1") ?? 1;
  if (cpu < 1 && (template.maxInstanceRequestConcurrency ?? 1) > 1) {
    refuse("template.maxInstanceRequestConcurrency", "Total cpu < 1 is not supported with concurrency > 1.");
  }
  if (cpu < 1 && container.resources?.cpuIdle === false) {
    refuse(`${at}.resources.cpuIdle`, "Total cpu < 1 is not supported with cpu always allocated.");
  }
  const port = container.ports?.containerPort ?? 8080;
  for (const kind of ["startupProbe", "livenessProbe", "readinessProbe"] as const) {
    const probePort = container[kind]?.port;
    if (probePort !== undefined && probePort !== port) {
      refuse(`${at}.${kind}`, `probes port ${probePort}, but the container's port is ${port}`);
    }
  }
  const scaling = scalingOf(service);
  if (scaling.min > scaling.max) {
    refuse("template.scaling.minInstanceCount", `is ${scaling.min}, more than the maximum of ${scaling.max}`);
  }
  problems.push(...trafficProblems(service));
  return problems;
}

function trafficProblems({ traffics }: ParsedService): SettingProblem[] {
  if (traffics === undefined || traffics.length === 0) return [];
  const sum = traffics.reduce((total, { percent }) => total + percent, 0);
  if (sum !== 100) return [{ property: "traffics", reason: `Traffic targets sum to ${sum}, want 100` }];
  if (traffics.some(({ percent }) => percent > 0 && percent < 100)) {
    return [
      {
        property: "traffics",
        reason: "a split between revisions is not simulated by the local cloud; give one target 100 percent",
      },
    ];
  }
  return traffics.flatMap(({ type, revision }, index) =>
    type === "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION" && (revision ?? "") === ""
      ? [{ property: `traffics[${index}].revision`, reason: "is required for this type" }]
      : [],
  );
}
