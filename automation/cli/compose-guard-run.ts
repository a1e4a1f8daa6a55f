/** What a run of guard works with: a part of the wiring (compose.ts). Nothing is asked before it is used. */
import { createArtifacts } from "../adapters/artifacts.ts";
import { cachedMetrics } from "../adapters/cached-metrics.ts";
import { createCloudWatch } from "../adapters/cloudwatch.ts";
import { type ConnectedClusters, createClusters } from "../adapters/clusters.ts";
import { loadHealthCheck } from "../adapters/custom-modules.ts";
import { metricTurn } from "../adapters/metric-turn.ts";
import { createDatadogMetrics } from "../adapters/metrics-datadog.ts";
import { createPrometheusMetrics } from "../adapters/metrics-prometheus.ts";
import { createDatadogMonitors } from "../adapters/monitors-datadog.ts";
import { createPrometheusMonitors } from "../adapters/monitors-prometheus.ts";
import { createRequestTurns } from "../adapters/request-turns.ts";
import { SwitchyardError } from "../errors.ts";
import type { MetricLanguage } from "../guard/judge/queries.ts";
import { lookForArtifacts } from "../guard/plan/artifacts.ts";
import { planDigest } from "../guard/plan/digest.ts";
import { customFindings, runCustomChecks } from "../guard/rules/custom-checks.ts";
import { addressOf, versionOf } from "../guard/run/cluster.ts";
import { filesOnce, type RunPorts } from "../guard/run/context.ts";
import { subjectOf } from "../guard/run/metric-subject.ts";
import type { GuardConfig } from "../guard/settings.ts";
import type { Artifacts } from "../ports/artifacts.ts";
import type { GitHost } from "../ports/git-host.ts";
import type { HealthCheck } from "../ports/health-check.ts";
import type { LanguageModel } from "../ports/language-model.ts";
import type { MetricSource } from "../ports/metric-source.ts";
import type { Monitors } from "../ports/monitors.ts";
import type { Composition } from "./compose.ts";
import type { GuardComposition } from "./compose-guard.ts";
import { openLanguageModel } from "./compose-guard-llm.ts";

export interface OpenedRun {
  readonly ports: RunPorts;
  close(): Promise<void>;
}

/** What a run works with, each opened for itself with its first use. */
export interface RunParts {
  readonly clusters: ConnectedClusters;
  readonly artifacts: Artifacts;
  /** undefined: nobody is asked. */
  readonly languageModel: LanguageModel | undefined;
  /** Errors: credentials-missing, credentials-over-http. */
  host(): Promise<GitHost>;
  /** undefined: no source is configured. Errors: invalid-config, credentials-missing, credentials-over-http. */
  measured(): Promise<Measured | undefined>;
  /** Checks by module. Errors of load: module-unusable. */
  readonly checks: readonly { readonly name: string; load(): Promise<HealthCheck> }[];
  close(): Promise<void>;
}

/** Longest wait for a turn at AWS, ms. */
const patienceMs = 60_000;

/** Errors: invalid-config. */
export async function runParts({ root, env, clock }: Composition, guard: GuardComposition): Promise<RunParts> {
  const config = await guard.config();
  let measured: Promise<Measured | undefined> | undefined;
  let host: Promise<GitHost> | undefined;
  return {
    clusters: createClusters({ env, clock, istioctl: config.istioctl, turn: awsTurn(config, clock) }),
    artifacts: createArtifacts({ clock }),
    languageModel: openLanguageModel(config, { root, secret: (reference) => guard.secret(reference) }),
    host() {
      host ??= guard.gitHost().then((opened) => ({ ...opened, files: filesOnce(opened) }));
      return host;
    },
    measured() {
      measured ??= openMetrics(guard, config);
      return measured;
    },
    checks: config.custom_checks.map((entry) => ({
      name: `${entry.module}#${entry.class ?? entry.export ?? "default"}`,
      load: () => loadHealthCheck(entry, root),
    })),
    async close() {
      await (await measured?.catch(() => undefined))?.close();
    },
  };
}

/** Errors: invalid-config, credentials-missing, credentials-over-http, module-unusable. */
export async function openRun(composition: Composition, guard: GuardComposition): Promise<OpenedRun> {
  const { clock } = composition;
  const parts = await runParts(composition, guard);
  const { clusters, artifacts, languageModel } = parts;
  const [store, host] = await Promise.all([guard.store(), parts.host()]);
  const measured = await parts.measured();
  const checks = await Promise.all(parts.checks.map((one) => one.load()));
  const ports: RunPorts = {
    store,
    host,
    clusters,
    clock,
    digest: planDigest,
    metrics: measured?.metrics,
    alerts:
      measured === undefined
        ? undefined
        : async (cluster, signal) => [...(await measured.monitors.inScope(subjectOf(cluster), signal))],
    artifacts: (git, version, signal) => lookForArtifacts(artifacts, git, versionOf(version), signal),
    languageModel,
    customChecks: async (cluster, signal) => {
      const kubernetes = clusters.kubernetes(addressOf(cluster));
      const options = { kubernetes, metrics: measured?.metrics.source, clock };
      return customFindings(await runCustomChecks(checks, cluster.entry, options, signal));
    },
  };
  return { ports, close: () => parts.close() };
}

function awsTurn(config: GuardConfig, clock: Composition["clock"]) {
  const turns = createRequestTurns({ perMinute: config.rate_limits.aws_api }, clock);
  return async (signal?: AbortSignal): Promise<void> => {
    const sentAt = await turns.turn(patienceMs, signal);
    if (sentAt === undefined)
      throw new SwitchyardError("cluster-unreachable", {
        message: `AWS is asked at most ${config.rate_limits.aws_api} times a minute, and that many wait already`,
      });
    // AWS says nothing of what is left.
    turns.answered(sentAt, {});
  };
}

interface Measured {
  readonly metrics: NonNullable<RunPorts["metrics"]>;
  readonly monitors: Monitors;
  close(): Promise<void>;
}

/** undefined: no source is configured. Errors: invalid-config, credentials-missing, credentials-over-http. */
async function openMetrics(guard: GuardComposition, config: GuardConfig): Promise<Measured | undefined> {
  const { source, datadog, prometheus, cloudwatch } = config.metrics;
  const { clock } = guard;
  const { datadog_api: perMinute } = config.rate_limits;
  const keepMs = datadog.cache_minutes * 60_000;
  const opened = (
    fresh: MetricSource,
    monitors: Monitors,
    language: MetricLanguage,
    close = async () => {},
  ): Measured => ({
    metrics: { source: cachedMetrics(fresh, { keepMs, clock, soaking: () => false }), fresh, language },
    monitors,
    close,
  });
  switch (source) {
    case undefined:
      return undefined;
    case "datadog": {
      const options = { ...(await guard.datadog()), turn: metricTurn("Datadog", perMinute, clock) };
      return opened(createDatadogMetrics(options), createDatadogMonitors(options), "datadog");
    }
    case "prometheus": {
      if (prometheus === undefined)
        throw new SwitchyardError("invalid-config", { message: "guard.metrics.prometheus is needed for this source" });
      const token = prometheus.token_from === undefined ? undefined : await guard.secret(prometheus.token_from);
      const options = { url: prometheus.url, token, clock };
      return opened(createPrometheusMetrics(options), createPrometheusMonitors(options), "prometheus");
    }
    case "cloudwatch": {
      const { namespace = "ContainerInsights/Prometheus", endpoint } = cloudwatch ?? {};
      const opened_ = createCloudWatch({ region: config.aws.region, namespace, endpoint });
      return opened(opened_.metrics, opened_.monitors, "cloudwatch", () => opened_.close());
    }
  }
}
