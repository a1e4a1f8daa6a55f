import type { AlertPolicyArgs } from "@pulumi/gcp/monitoring/alertPolicy.js";
import { type Input, interpolate } from "@pulumi/pulumi";
import { backendLabel, balancerLabels, cloudRunLabels, metricFilter, metricTypes } from "./metrics.ts";
import type { MonitoringSettings } from "./settings.ts";

/** An alert policy and the last part of its logical name. */
export interface NamedPolicy {
  readonly suffix: string;
  readonly args: AlertPolicyArgs;
}

/**
 * The balancer's metrics come 60 s at a time and up to 210 s late (Google Cloud metrics, "loadbalancing"): a shorter window
 * would be judged half empty.
 */
const window = "300s";
/** From which places a check may fail before it is believed, and in which time each of them has looked. */
const failingPlaces = 1;
const uptimeWindow = (periodSeconds: number): string => `${Math.max(1_200, periodSeconds * 2)}s`;
/** An uptime check that names no regions runs from six places (Cloud Monitoring, "Uptime-check servers"). */
const uptimePlaces = 6;

/** What an operator is told, besides which condition it was. */
type Severity = "CRITICAL" | "ERROR" | "WARNING";

/** All policies, in a fixed order. `uptimeCheckId` is known when the check exists. */
export function alertPolicies(settings: MonitoringSettings, uptimeCheckId: Input<string>): readonly NamedPolicy[] {
  return [
    ...settings.platforms.flatMap((platform) => [errorPolicy(settings, platform), latencyPolicy(settings, platform)]),
    uptimePolicy(settings, uptimeCheckId),
    ...(settings.requestsPerMinute === 0 ? [] : [silencePolicy(settings)]),
    ...(settings.platforms.includes("cloud-run") ? [instancesPolicy(settings)] : []),
  ];
}

function policy(
  settings: MonitoringSettings,
  suffix: string,
  severity: Severity,
  title: string,
  advice: string,
  conditions: AlertPolicyArgs["conditions"],
): NamedPolicy {
  return {
    suffix,
    args: {
      displayName: `${settings.prefix}: ${title}`,
      project: settings.project,
      combiner: "OR",
      severity,
      conditions,
      notificationChannels: [...settings.notificationChannels],
      documentation: { content: advice, mimeType: "text/markdown" },
      userLabels: { "managed-by": "switchyard", agent: settings.prefix },
    },
  };
}

const rate = {
  alignmentPeriod: window,
  perSeriesAligner: "ALIGN_RATE",
  crossSeriesReducer: "REDUCE_SUM",
  groupByFields: [backendLabel],
};

/** Server errors of one side, as a share of its requests. Silence is the silence policy's. */
function errorPolicy(settings: MonitoringSettings, platform: string): NamedPolicy {
  const { prefix, errorPercent } = settings;
  const labels = balancerLabels(prefix, platform);
  const title = `more than ${errorPercent} % server errors on ${platform}`;
  return policy(settings, `errors-${platform}`, "CRITICAL", title, goBack(platform), [
    {
      displayName: title,
      conditionThreshold: {
        filter: metricFilter("requests", { ...labels, "metric.label.response_code_class": 500 }),
        aggregations: [rate],
        denominatorFilter: metricFilter("requests", labels),
        denominatorAggregations: [rate],
        comparison: "COMPARISON_GT",
        thresholdValue: errorPercent / 100,
        duration: "0s",
        evaluationMissingData: "EVALUATION_MISSING_DATA_INACTIVE",
        trigger: { count: 1 },
      },
    },
  ]);
}

function latencyPolicy(settings: MonitoringSettings, platform: string): NamedPolicy {
  const { prefix, latencyMilliseconds } = settings;
  const title = `p95 latency above ${latencyMilliseconds} ms on ${platform}`;
  return policy(settings, `latency-${platform}`, "ERROR", title, goBack(platform), [
    {
      displayName: title,
      conditionThreshold: {
        filter: metricFilter("backendLatencies", balancerLabels(prefix, platform)),
        aggregations: [
          {
            alignmentPeriod: window,
            perSeriesAligner: "ALIGN_DELTA",
            crossSeriesReducer: "REDUCE_PERCENTILE_95",
            groupByFields: [backendLabel],
          },
        ],
        comparison: "COMPARISON_GT",
        thresholdValue: latencyMilliseconds,
        duration: "0s",
        evaluationMissingData: "EVALUATION_MISSING_DATA_INACTIVE",
        trigger: { count: 1 },
      },
    },
  ]);
}

/** More than one place fails: one alone is that place's network (as Cloud Monitoring's own template has it). */
function uptimePolicy(settings: MonitoringSettings, uptimeCheckId: Input<string>): NamedPolicy {
  const { domain, uptimePeriodSeconds } = settings;
  const title = `${domain} does not answer`;
  return policy(
    settings,
    "uptime",
    "CRITICAL",
    title,
    "The agent does not answer through the balancer. Look at both sides: `switchyard traffic show`, `switchyard agent health`.",
    [
      {
        displayName: title,
        conditionThreshold: {
          filter: interpolate`metric.type = "${metricTypes.uptimePassed}" AND resource.type = "uptime_url" AND metric.label.check_id = "${uptimeCheckId}"`,
          aggregations: [
            {
              alignmentPeriod: uptimeWindow(uptimePeriodSeconds),
              perSeriesAligner: "ALIGN_NEXT_OLDER",
              crossSeriesReducer: "REDUCE_COUNT_FALSE",
              groupByFields: ["resource.label.host"],
            },
          ],
          comparison: "COMPARISON_GT",
          thresholdValue: failingPlaces,
          duration: "60s",
          trigger: { count: 1 },
        },
      },
    ],
  );
}

/**
 * No requests, or next to none. The uptime check's own requests pass the balancer too and are taken off; where not even they
 * are seen, the series itself is missing.
 */
function silencePolicy(settings: MonitoringSettings): NamedPolicy {
  const { prefix, requestsPerMinute, uptimePeriodSeconds } = settings;
  const own = (uptimePlaces * 60) / uptimePeriodSeconds;
  const filter = metricFilter("requests", balancerLabels(prefix));
  const aggregations = [{ ...rate, groupByFields: ["resource.label.url_map_name"] }];
  const title = `fewer than ${requestsPerMinute} requests a minute`;
  return policy(
    settings,
    "silence",
    "ERROR",
    title,
    "Users' requests do not reach the balancer: DNS, certificates, clients.",
    [
      {
        displayName: title,
        conditionThreshold: {
          filter,
          aggregations,
          comparison: "COMPARISON_LT",
          thresholdValue: (requestsPerMinute + own) / 60,
          duration: window,
          evaluationMissingData: "EVALUATION_MISSING_DATA_INACTIVE",
          trigger: { count: 1 },
        },
      },
      {
        displayName: "no requests at all",
        conditionAbsent: { filter, aggregations, duration: window, trigger: { count: 1 } },
      },
    ],
  );
}

/** A revision that is at its maximum answers 429 to what comes beyond it. */
function instancesPolicy(settings: MonitoringSettings): NamedPolicy {
  const { prefix, maxInstances } = settings;
  const title = `Cloud Run has all of its ${maxInstances} instances`;
  return policy(
    settings,
    "instances",
    "WARNING",
    title,
    "Further requests get 429. Raise `maxInstances`, or move traffic: `switchyard swap start --to gke`.",
    [
      {
        displayName: title,
        conditionThreshold: {
          filter: metricFilter("cloudRunInstances", cloudRunLabels(prefix)),
          aggregations: [
            {
              alignmentPeriod: "60s",
              perSeriesAligner: "ALIGN_MAX",
              crossSeriesReducer: "REDUCE_SUM",
              groupByFields: ["resource.label.revision_name"],
            },
          ],
          comparison: "COMPARISON_GT",
          // There is no "at least": instances are whole.
          thresholdValue: maxInstances - 0.5,
          duration: "120s",
          evaluationMissingData: "EVALUATION_MISSING_DATA_INACTIVE",
          trigger: { count: 1 },
        },
      },
    ],
  );
}

function goBack(platform: string): string {
  return `In the middle of a swap its gates go back by themselves. Otherwise: \`switchyard traffic show\`, \`switchyard swap why\`, and to leave ${platform}: \`switchyard failover\` or \`switchyard swap start\`.`;
}
