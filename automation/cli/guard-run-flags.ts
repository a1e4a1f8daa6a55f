/** Flags of `guard run` and `guard monitor` that stand for settings of one run. Pure. */
import { Flags } from "@oclif/core";
import type { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import type { SomeThresholds } from "../guard/judge/thresholds.ts";
import type { Plan } from "../guard/plan/plan.ts";
import type { ClusterRecord, RestartMode } from "../guard/registry/record.ts";
import { type GuardConfig, guardConfig } from "../guard/settings.ts";

const share = (what: string, standard: string) =>
  Flags.string({ description: `${what} Default guard.validation.thresholds, ${standard}.`, helpGroup: "THRESHOLD" });

export const thresholdFlags = {
  "latency-p95-increase": share("Rise of p95 that fails, 0.1 is 10 %.", "0.1"),
  "latency-p99-increase": share("Rise of p99 that fails.", "0.15"),
  "error-rate-max": share("Share of 5xx that fails, 0-1.", "0.001"),
  "error-rate-increase": share("Rise of that share that fails.", "0.0005"),
  "resource-increase": share("Rise of CPU and memory of istiod, and of the proxies, that fails.", "0.3 and 0.25"),
  "min-requests": share("Requests per judged service.", "1000"),
} as const;

export const restartFlag = Flags.string({
  description:
    "Whether guard restarts the workloads (auto) or says which are left (manual). Default guard.restart.mode.",
  options: ["auto", "manual"],
});

/** undefined: nothing was said. */
export function restartOf({ restart }: { readonly restart?: string | undefined }): RestartMode | undefined {
  if (restart === undefined) return undefined;
  return restart === "manual" ? "manual" : "automatic";
}

type Threshold = keyof GuardConfig["validation"]["thresholds"];

const names: Readonly<Record<keyof typeof thresholdFlags, readonly Threshold[]>> = {
  "latency-p95-increase": ["latency_p95_increase"],
  "latency-p99-increase": ["latency_p99_increase"],
  "error-rate-max": ["error_rate_max"],
  "error-rate-increase": ["error_rate_increase"],
  // The original had one limit for both.
  "resource-increase": ["istiod_resource_increase", "proxy_resource_increase"],
  "min-requests": ["min_requests"],
};

export interface RunFlags {
  readonly "max-concurrent"?: number | undefined;
  readonly "mr-strategy"?: string | undefined;
  readonly "soak-period"?: number | undefined;
}

/** The settings with what the flags change; the same limits hold. Errors: invalid-config with every flag that does not fit. */
export function withFlags(config: GuardConfig, flags: RunFlags & Readonly<Record<string, unknown>>): GuardConfig {
  const execution = {
    ...config.execution,
    ...(flags["max-concurrent"] === undefined ? {} : { max_parallel_clusters: flags["max-concurrent"] }),
    ...(flags["mr-strategy"] === undefined ? {} : { mr_strategy: flags["mr-strategy"] }),
  };
  const validation = {
    ...config.validation,
    ...(flags["soak-period"] === undefined ? {} : { soak_period_minutes: flags["soak-period"] }),
    thresholds: { ...config.validation.thresholds, ...thresholdsOf(flags) },
  };
  return {
    ...config,
    execution: fitting(guardConfig.shape.execution.unwrap(), execution),
    validation: fitting(guardConfig.shape.validation.unwrap(), validation),
  };
}

/** The limits that flags name; undefined: none does. Of flags that `withFlags` has taken. */
export function thresholdsOf(flags: Readonly<Record<string, unknown>>): SomeThresholds | undefined {
  const said = Object.entries(names).flatMap(([flag, settings]) => {
    const value = flags[flag];
    return typeof value === "string" ? settings.map((setting) => [setting, Number(value)]) : [];
  });
  return said.length === 0 ? undefined : Object.fromEntries(said);
}

const flagOf: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    Object.entries(names).flatMap(([flag, settings]) => settings.map((setting) => [setting, flag])),
  ),
  max_parallel_clusters: "max-concurrent",
  mr_strategy: "mr-strategy",
  soak_period_minutes: "soak-period",
};

function fitting<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => {
    const setting = String(path.at(-1) ?? "");
    return `--${flagOf[setting] ?? setting}: ${message}`;
  });
  throw new SwitchyardError("invalid-config", {
    message: [...new Set(problems)].join("\n"),
    next: "Correct the flag, and run it again.",
  });
}

/** What to say of soaks that have begun, whose end a shorter or longer period does not move. `minutes`: as it was said. */
export function begunSoaks(clusters: readonly ClusterRecord[], minutes: number | undefined): readonly string[] {
  if (minutes === undefined) return [];
  return clusters.flatMap(({ entry, state, run }) => {
    const soak = run?.soak;
    if (state !== "soaking_data_plane" || soak === undefined || soak.endsAt - soak.startedAt === minutes * 60_000)
      return [];
    const end = new Date(soak.endsAt).toISOString();
    return [`--soak-period comes too late for ${entry.clusterId}: its soak has begun, and ends at ${end}`];
  });
}

/** Errors: guard-refused when a plan goes another way than was asked for; undefined: nothing was. */
export function assertStrategy({ batch, hash, strategy }: Plan, asked: string | undefined): void {
  if (asked === undefined || asked === strategy) return;
  throw new SwitchyardError("guard-refused", {
    message: `Plan ${hash} of batch ${batch} goes by ${strategy}, and ${asked} was asked for`,
    next: [
      "Leave the strategy out to go on with that plan.",
      `To go the other way, end its run first (npx switchyard guard resume --batch ${batch} --give-up WHY), then plan anew.`,
    ],
  });
}
