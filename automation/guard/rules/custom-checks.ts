/** Runs the checks that a team wrote itself, each with a deadline. One that throws, hangs or answers nonsense is undecided, never passed. */
import { z } from "zod";
import type { Clock } from "../../ports/clock.ts";
import {
  type CheckedCluster,
  type CheckTools,
  checkStatuses,
  type HealthCheck,
  type HealthCheckResult,
} from "../../ports/health-check.ts";
import type { ClusterEntry } from "../registry/record.ts";
import type { Finding } from "./rule.ts";

/** For one check, ms. */
export const checkDeadlineMs = 60_000;

const resultSchema = z.object({
  cluster_id: z.string(),
  check_name: z.string().min(1).max(200),
  status: z.enum(checkStatuses),
  message: z.string().max(2_000),
  timestamp: z.union([z.iso.datetime({ offset: true }), z.date().transform((date) => date.toISOString())]),
  details: z.record(z.string(), z.unknown()).default({}),
});

export type CustomOutcome =
  | { readonly kind: "result"; readonly check: string; readonly result: HealthCheckResult }
  | { readonly kind: "broken"; readonly check: string; readonly why: string };

export interface CustomChecksOptions extends Pick<CheckTools, "kubernetes" | "metrics"> {
  readonly clock: Pick<Clock, "wall" | "sleep">;
  /** Default 60,000. */
  readonly deadlineMs?: number;
}

export const checkedCluster = (entry: ClusterEntry): CheckedCluster => ({
  cluster_id: entry.clusterId,
  batch_id: entry.batchId,
  environment: entry.environment,
  region: entry.region,
  gitlab_repo: entry.gitlabRepo,
  flux_config_path: entry.fluxConfigPath,
  current_istio_version: entry.currentIstioVersion,
  datadog_tags: { ...entry.datadogTags },
});

/** All at once, in the order of the configuration. Rejects only with the signal's reason. */
export async function runCustomChecks(
  checks: readonly HealthCheck[],
  entry: ClusterEntry,
  options: CustomChecksOptions,
  signal?: AbortSignal,
): Promise<readonly CustomOutcome[]> {
  signal?.throwIfAborted();
  return Promise.all(checks.map((check) => runOne(check, checkedCluster(entry), options, signal)));
}

async function runOne(
  check: HealthCheck,
  cluster: CheckedCluster,
  { kubernetes, metrics, clock, deadlineMs = checkDeadlineMs }: CustomChecksOptions,
  signal: AbortSignal | undefined,
): Promise<CustomOutcome> {
  const broken = (why: string): CustomOutcome => ({ kind: "broken", check: check.name, why });
  const over = new AbortController();
  const own = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]);
  const done = new AbortController();
  const late = clock.sleep(deadlineMs, done.signal).then(
    () => "late" as const,
    () => "done" as const,
  );
  const aborted = Promise.withResolvers<"aborted">();
  signal?.addEventListener("abort", () => aborted.resolve("aborted"), { once: true });
  const tools: CheckTools = { kubernetes, metrics, now: () => clock.wall(), signal: own, options: check.options };
  const answer = (async () => check.run(cluster, tools))().then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  try {
    const first = await Promise.race([answer, late, aborted.promise]);
    signal?.throwIfAborted();
    if (typeof first === "string") return broken(`it did not answer within ${deadlineMs / 1_000} s`);
    if ("error" in first)
      return broken(`it failed: ${first.error instanceof Error ? first.error.message : String(first.error)}`);
    const parsed = resultSchema.safeParse(first.value);
    if (!parsed.success) {
      const problems = parsed.error.issues
        .slice(0, 3)
        .map(({ path, message }) => `${path.join(".") || "it"}: ${message}`);
      return broken(`its answer is no HealthCheckResult: ${problems.join("; ")}`);
    }
    if (parsed.data.cluster_id !== cluster.cluster_id)
      return broken(`it answered for ${parsed.data.cluster_id} and was asked about ${cluster.cluster_id}`);
    return { kind: "result", check: check.name, result: parsed.data };
  } finally {
    over.abort(new Error("the time of the check is over"));
    done.abort();
  }
}

const levels = { FAIL: "block", WARN: "warn" } as const;

/** As the rules say theirs; what passed says nothing. */
export function customFindings(outcomes: readonly CustomOutcome[]): readonly Finding[] {
  return outcomes.flatMap((outcome): readonly Finding[] => {
    const from = { rule: "custom", check: outcome.check, subject: outcome.check, link: "docs/commands.md" };
    if (outcome.kind === "broken")
      return [
        {
          ...from,
          level: "undecided",
          evidence: outcome.why,
          fix: "Repair the check, or take it from guard.custom_checks.",
        },
      ];
    const { status, message, check_name: subject } = outcome.result;
    if (status === "PASS") return [];
    return [{ ...from, subject, level: levels[status], evidence: message, fix: "Do what the check's authors say." }];
  });
}
