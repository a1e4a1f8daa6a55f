import { z } from "zod";

/** A probe with all fields, times in ms. */
export interface Probe {
  readonly check:
    | { readonly kind: "tcp" }
    | { readonly kind: "http"; readonly path: string; readonly headers: Readonly<Record<string, string>> };
  /** Port that the settings name; only the container's own is possible. */
  readonly port: number | undefined;
  readonly initialDelayMs: number;
  readonly timeoutMs: number;
  readonly periodMs: number;
  readonly failureThreshold: number;
  readonly successThreshold: number;
}

/** Statement 6: what a service without a startup probe gets. */
export const defaultStartupProbe: Probe = {
  check: { kind: "tcp" },
  port: undefined,
  initialDelayMs: 0,
  timeoutMs: 240_000,
  periodMs: 240_000,
  failureThreshold: 1,
  successThreshold: 1,
};

/** Statement 8: failureThreshold x periodSeconds of a startup probe, seconds; pages differ between 240 and 600. */
const longestStartSeconds = 600;

/** Statement 7. `longestPeriod` in seconds. */
function probeSchema(kind: string, longestPeriod: number, delays: boolean) {
  return z
    .looseObject({
      initialDelaySeconds: z
        .int()
        .min(0)
        .max(delays ? 240 : 0)
        .default(0),
      timeoutSeconds: z.int().min(1).max(3600).default(1),
      periodSeconds: z.int().min(1).max(longestPeriod).default(10),
      failureThreshold: z.int().min(1).default(3),
      successThreshold: z
        .int()
        .min(1)
        .default(kind === "readiness" ? 2 : 1),
      tcpSocket: z.looseObject({ port: z.int().optional() }).optional(),
      httpGet: z
        .looseObject({
          path: z.string().startsWith("/").default("/"),
          port: z.int().optional(),
          httpHeaders: z.array(z.looseObject({ name: z.string().min(1), value: z.string().default("") })).default([]),
        })
        .optional(),
      grpc: z.undefined("gRPC probes are not simulated by the local cloud").optional(),
    })
    .superRefine((probe, context) => {
      const { timeoutSeconds, periodSeconds, failureThreshold } = probe;
      if (timeoutSeconds > periodSeconds) {
        context.addIssue({
          code: "custom",
          path: ["timeoutSeconds"],
          message: `must not be above periodSeconds (${periodSeconds})`,
        });
      }
      if (kind === "startup" && failureThreshold * periodSeconds > longestStartSeconds) {
        context.addIssue({
          code: "custom",
          path: ["failureThreshold"],
          message: `times periodSeconds is ${failureThreshold * periodSeconds} s, above ${longestStartSeconds} s`,
        });
      }
      if ((probe.tcpSocket === undefined) === (probe.httpGet === undefined)) {
        context.addIssue({ code: "custom", message: "exactly one of tcpSocket and httpGet is needed" });
      }
    })
    .transform(
      (probe): Probe => ({
        check:
          probe.httpGet === undefined
            ? { kind: "tcp" }
            : {
                kind: "http",
                path: probe.httpGet.path,
                headers: Object.fromEntries(probe.httpGet.httpHeaders.map(({ name, value }) => [name, value])),
              },
        port: probe.httpGet?.port ?? probe.tcpSocket?.port,
        initialDelayMs: probe.initialDelaySeconds * 1000,
        timeoutMs: probe.timeoutSeconds * 1000,
        periodMs: probe.periodSeconds * 1000,
        failureThreshold: probe.failureThreshold,
        successThreshold: probe.successThreshold,
      }),
    );
}

export const startupProbeSchema = probeSchema("startup", 240, true);
export const livenessProbeSchema = probeSchema("liveness", 3600, true);
export const readinessProbeSchema = probeSchema("readiness", 300, false);
