import { urlMapName } from "../shared/naming.ts";
import {
  autoscalerLabels,
  backendLabel,
  balancerLabels,
  cloudRunLabels,
  containerLabels,
  type MetricName,
  metricFilter,
} from "./metrics.ts";
import type { MonitoringSettings } from "./settings.ts";

/** One line of a chart: a metric, which of its series, and how they become one value a minute. */
interface Line {
  readonly metric: MetricName;
  readonly labels: Readonly<Record<string, string | number>>;
  /** How one series becomes a value per period. */
  readonly aligner: string;
  /** How the series become one per group. */
  readonly reducer: string;
  readonly groupBy?: readonly string[];
  /** The legend, `${…}` as Cloud Monitoring has it. */
  readonly legend: string;
}

interface Chart {
  readonly title: string;
  readonly unit: string;
  readonly lines: readonly Line[];
  /** A query in PromQL instead of lines, where one series is divided by another. */
  readonly query?: { readonly text: string; readonly legend: string };
  readonly stacked?: boolean;
  /** The value from which an alert policy complains. */
  readonly threshold?: number;
}

const columns = 12;
const width = 6;
const height = 4;

/**
 * A dashboard in the form of Cloud Monitoring's API (projects.dashboards, mosaicLayout). Pure: the same settings give the same
 * document. First what users see per side, then what each platform runs.
 */
export function dashboardDocument(settings: MonitoringSettings, uptimeCheckId: string): Record<string, unknown> {
  const charts = [
    ...balancerCharts(settings),
    uptimeChart(uptimeCheckId),
    ...(settings.platforms.includes("cloud-run") ? cloudRunCharts(settings) : []),
    ...(settings.platforms.includes("gke") ? gkeCharts(settings) : []),
  ];
  return {
    displayName: `${settings.prefix}: agent by platform`,
    mosaicLayout: { columns, tiles: charts.map(tile) },
  };
}

function balancerCharts({ prefix, errorPercent, latencyMilliseconds }: MonitoringSettings): readonly Chart[] {
  const legend = legendOf(backendLabel);
  const all = balancerLabels(prefix);
  const perSide = { groupBy: [backendLabel], legend, labels: all };
  const map = `monitored_resource="https_lb_rule",url_map_name=${JSON.stringify(urlMapName(prefix))}`;
  const rate = (selector: string): string => `rate(loadbalancing_googleapis_com:https_request_count{${selector}}[2m])`;
  const side = "backend_target_name";
  return [
    {
      title: "Requests per side",
      unit: "requests/s",
      lines: [{ metric: "requests", aligner: "ALIGN_RATE", reducer: "REDUCE_SUM", ...perSide }],
      stacked: true,
    },
    {
      // The weights themselves are no metric; what they do is. Probes and acceptance requests are in it.
      title: "Share of requests per side (weights as the data plane follows them)",
      unit: "%",
      lines: [],
      query: {
        text: `100 * sum by (${side}) (${rate(map)}) / ignoring(${side}) group_left sum(${rate(map)})`,
        legend: `{{${side}}}`,
      },
      stacked: true,
    },
    {
      title: "Share of server errors per side",
      unit: "%",
      lines: [],
      query: {
        text: `100 * sum by (${side}) (${rate(`${map},response_code_class="500"`)}) / sum by (${side}) (${rate(map)})`,
        legend: `{{${side}}}`,
      },
      threshold: errorPercent,
    },
    {
      title: "Latency of the backend per side, p95 and median",
      unit: "ms",
      lines: (
        [
          ["REDUCE_PERCENTILE_95", "p95"],
          ["REDUCE_PERCENTILE_50", "p50"],
        ] as const
      ).map(([reducer, name]) => ({
        metric: "backendLatencies",
        aligner: "ALIGN_DELTA",
        reducer,
        ...perSide,
        legend: `${name} ${legend}`,
      })),
      threshold: latencyMilliseconds,
    },
  ];
}

function uptimeChart(uptimeCheckId: string): Chart {
  return {
    title: "Uptime check: share of places from which the agent answers",
    unit: "0-1",
    lines: [
      {
        metric: "uptimePassed",
        labels: { "metric.label.check_id": uptimeCheckId },
        aligner: "ALIGN_FRACTION_TRUE",
        reducer: "REDUCE_MEAN",
        legend: "passed",
      },
    ],
  };
}

function cloudRunCharts({ prefix, maxInstances }: MonitoringSettings): readonly Chart[] {
  const labels = cloudRunLabels(prefix);
  return [
    {
      title: "Cloud Run: instances per revision and state",
      unit: "instances",
      lines: [
        {
          metric: "cloudRunInstances",
          labels,
          aligner: "ALIGN_MAX",
          reducer: "REDUCE_SUM",
          groupBy: ["resource.label.revision_name", "metric.label.state"],
          legend: `${legendOf("resource.label.revision_name")} ${legendOf("metric.label.state")}`,
        },
      ],
      stacked: true,
      threshold: maxInstances,
    },
    {
      title: "Cloud Run: CPU of the instances, p95",
      unit: "0-1",
      lines: [
        {
          metric: "cloudRunCpu",
          labels,
          aligner: "ALIGN_DELTA",
          reducer: "REDUCE_PERCENTILE_95",
          groupBy: ["resource.label.revision_name"],
          legend: legendOf("resource.label.revision_name"),
        },
      ],
    },
  ];
}

function gkeCharts({ prefix }: MonitoringSettings): readonly Chart[] {
  const container = containerLabels(prefix);
  const autoscaler = autoscalerLabels(prefix);
  const replicas = (metric: MetricName, legend: string): Line => ({
    metric,
    labels: autoscaler,
    aligner: "ALIGN_MAX",
    reducer: "REDUCE_MAX",
    legend,
  });
  return [
    {
      title: "GKE: pods",
      unit: "pods",
      lines: [
        {
          metric: "containerUptime",
          labels: container,
          aligner: "ALIGN_MEAN",
          reducer: "REDUCE_COUNT",
          legend: "running",
        },
      ],
    },
    {
      title: "GKE: autoscaler",
      unit: "pods",
      lines: [
        replicas("autoscalerCurrent", "current"),
        replicas("autoscalerDesired", "desired"),
        replicas("autoscalerMost", "at most"),
      ],
    },
    {
      title: "GKE: CPU of the pods against what they request",
      unit: "0-1",
      lines: [
        {
          metric: "containerCpu",
          labels: container,
          aligner: "ALIGN_MEAN",
          reducer: "REDUCE_MEAN",
          legend: "mean",
        },
      ],
    },
  ];
}

/** A label's value in a legend, `${resource.labels.…}`, of a label as filters name it. */
function legendOf(label: string): string {
  return `\${${label.replace(".label.", ".labels.")}}`;
}

/** Two tiles a row, in the charts' order. */
function tile(chart: Chart, index: number): Record<string, unknown> {
  const perRow = columns / width;
  return {
    xPos: (index % perRow) * width,
    yPos: Math.floor(index / perRow) * height,
    width,
    height,
    widget: { title: chart.title, xyChart: xyChart(chart) },
  };
}

function xyChart({ lines, query, stacked, threshold, unit }: Chart): Record<string, unknown> {
  const common = { plotType: stacked === true ? "STACKED_AREA" : "LINE", targetAxis: "Y1", minAlignmentPeriod: "60s" };
  return {
    dataSets: [
      ...lines.map((line) => ({
        ...common,
        legendTemplate: line.legend,
        timeSeriesQuery: {
          timeSeriesFilter: {
            filter: metricFilter(line.metric, line.labels),
            aggregation: {
              alignmentPeriod: "60s",
              perSeriesAligner: line.aligner,
              crossSeriesReducer: line.reducer,
              ...(line.groupBy !== undefined && { groupByFields: line.groupBy }),
            },
          },
        },
      })),
      ...(query === undefined
        ? []
        : [{ ...common, legendTemplate: query.legend, timeSeriesQuery: { prometheusQuery: query.text } }]),
    ],
    yAxis: { label: unit, scale: "LINEAR" },
    ...(threshold !== undefined && { thresholds: [{ value: threshold }] }),
  };
}
