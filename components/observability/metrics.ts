import { agentContainer } from "../gke/agent-constants.ts";
import { platformName, resourceName, urlMapName } from "../shared/naming.ts";

/**
 * The metrics of Google Cloud that dashboard and alert policies read. Sources: "Google Cloud metrics" in the Cloud
 * Monitoring documentation, one page per prefix (metrics_gcp_i_o for loadbalancing and monitoring, metrics_gcp_p_z for run,
 * metrics_kubernetes for kubernetes.io), "View kube state metrics" in GKE's for the autoscaler.
 */
export const metricTypes = {
  /** loadbalancing, DELTA INT64: requests by response_code_class (an integer: 200, 400, 500) and backend_target_name. */
  requests: "loadbalancing.googleapis.com/https/request_count",
  /** loadbalancing, DELTA DISTRIBUTION, ms: from the balancer's request to the backend to the last byte of its response. */
  backendLatencies: "loadbalancing.googleapis.com/https/backend_latencies",
  /** run, GAUGE INT64: instances by state (active, idle), per revision. */
  cloudRunInstances: "run.googleapis.com/container/instance_count",
  /** run, DELTA DISTRIBUTION: share of an instance's CPU that is used, 0-1. */
  cloudRunCpu: "run.googleapis.com/container/cpu/utilizations",
  /** kubernetes.io, GAUGE DOUBLE, s: one series per running container, so that their number is that of the pods. */
  containerUptime: "kubernetes.io/container/uptime",
  /** kubernetes.io, GAUGE DOUBLE: used share of what the container requests, 0-1; what the autoscaler goes by. */
  containerCpu: "kubernetes.io/container/cpu/request_utilization",
  /** kube state metrics, which Autopilot collects: pods that the autoscaler has, wants, and may have. */
  autoscalerCurrent: "prometheus.googleapis.com/kube_horizontalpodautoscaler_status_current_replicas/gauge",
  autoscalerDesired: "prometheus.googleapis.com/kube_horizontalpodautoscaler_status_desired_replicas/gauge",
  autoscalerMost: "prometheus.googleapis.com/kube_horizontalpodautoscaler_spec_max_replicas/gauge",
  /** monitoring, GAUGE BOOL: result of one uptime check from one place. */
  uptimePassed: "monitoring.googleapis.com/uptime_check/check_passed",
} as const;

export type MetricName = keyof typeof metricTypes;

/** Monitored resource that a metric is written against. */
const resourceTypes: Readonly<Record<MetricName, string>> = {
  requests: "https_lb_rule",
  backendLatencies: "https_lb_rule",
  cloudRunInstances: "cloud_run_revision",
  cloudRunCpu: "cloud_run_revision",
  containerUptime: "k8s_container",
  containerCpu: "k8s_container",
  autoscalerCurrent: "prometheus_target",
  autoscalerDesired: "prometheus_target",
  autoscalerMost: "prometheus_target",
  uptimePassed: "uptime_url",
};

/** A filter of Cloud Monitoring: one metric and equal labels, which join with AND. */
export function metricFilter(metric: MetricName, labels: Readonly<Record<string, string | number>>): string {
  return [
    `metric.type = "${metricTypes[metric]}"`,
    `resource.type = "${resourceTypes[metric]}"`,
    ...Object.entries(labels).map(([name, value]) => `${name} = ${JSON.stringify(value)}`),
  ].join(" AND ");
}

/** The label that names the platform's backend service, and so the side. */
export const backendLabel = "resource.label.backend_target_name";

/** Labels of what goes through the agent's URL map. */
export function balancerLabels(prefix: string, platform?: string): Readonly<Record<string, string>> {
  return {
    "resource.label.url_map_name": urlMapName(prefix),
    ...(platform !== undefined && { [backendLabel]: platformName(prefix, platform) }),
  };
}

/** Labels of the agent's Cloud Run service. */
export function cloudRunLabels(prefix: string): Readonly<Record<string, string>> {
  return { "resource.label.service_name": resourceName("cloudRunService", prefix, "agent") };
}

/** Labels of the agent's containers, in Kubernetes' own metrics. */
export function containerLabels(prefix: string): Readonly<Record<string, string>> {
  return {
    "resource.label.cluster_name": resourceName("cluster", prefix, "gke"),
    "resource.label.namespace_name": resourceName("kubernetes", prefix),
    "resource.label.container_name": agentContainer,
  };
}

/** Labels of the agent's autoscaler, in kube state metrics. */
export function autoscalerLabels(prefix: string): Readonly<Record<string, string>> {
  return {
    "resource.label.cluster": resourceName("cluster", prefix, "gke"),
    "resource.label.namespace": resourceName("kubernetes", prefix),
  };
}
