/**
 * Default queries of the known signals, each one number per minute, and how names get into a query. Requests are seen from the caller's side
 * (reporter source), so that those that reached nobody count. `{tags}` is what selects the cluster, `{control_plane}` that and,
 * where there are two, one of its control planes; `{istiod}` is the name of its Deployment. Pure.
 */
import { SwitchyardError } from "../../errors.ts";
import type { KnownSignal } from "./known-signals.ts";

export type MetricLanguage = "datadog" | "prometheus" | "cloudwatch";

type Queries = Readonly<Partial<Record<KnownSignal, string>>>;

const datadogRequests = "sum:istio.mesh.request.count{{tags},reporter:source}.as_count().rollup(sum, 60)";
const pushes = "sum:istio.pilot.xds.pushes{{control_plane}}.as_count().rollup(sum, 60)";
const datadogContainer = (metric: string, container: string, of = "{tags}"): string =>
  `avg:${metric}{${of},kube_container_name:${container}}.rollup(avg, 60)`;

/** A counter that never counted has no points: it is zero where its neighbour, which always counts, has some, and nowhere else. */
const datadog: Queries = {
  p95: "p95:istio.mesh.request.duration.milliseconds{{tags},reporter:source}.rollup(60)",
  p99: "p99:istio.mesh.request.duration.milliseconds{{tags},reporter:source}.rollup(60)",
  error_share: `default_zero(sum:istio.mesh.request.count{{tags},reporter:source,response_code:5*}.as_count().rollup(sum, 60)) / ${datadogRequests}`,
  requests: datadogRequests,
  istiod_cpu: datadogContainer("container.cpu.usage", "discovery", "{control_plane}"),
  istiod_memory: datadogContainer("container.memory.usage", "discovery", "{control_plane}"),
  proxy_cpu: datadogContainer("container.cpu.usage", "istio-proxy"),
  proxy_memory: datadogContainer("container.memory.usage", "istio-proxy"),
  xds_rejects: `default_zero(sum:istio.pilot.total_xds_rejects{{control_plane}}.as_count().rollup(sum, 60)) + 0 * ${pushes}`,
  push_errors: `(default_zero(sum:istio.pilot.total_xds_internal_errors{{control_plane}}.as_count().rollup(sum, 60)) + default_zero(sum:istio.pilot.xds.push.timeout{{control_plane}}.as_count().rollup(sum, 60))) / ${pushes}`,
  // Only its mean can be had.
  convergence_p99:
    "sum:istio.pilot.proxy_convergence_time.sum{{control_plane}}.as_count().rollup(sum, 60) / sum:istio.pilot.proxy_convergence_time.count{{control_plane}}.as_count().rollup(sum, 60)",
};

const selected = '{{tags},reporter="source"}';
const quantile = (q: string): string =>
  `histogram_quantile(${q}, sum by (le) (rate(istio_request_duration_milliseconds_bucket${selected}[1m])))`;
const promPushes = "sum(increase(pilot_xds_pushes{{control_plane}}[1m]))";
const container = (metric: string, name: string, of = "{tags}"): string => `avg(${metric}{${of},container="${name}"})`;

const prometheus: Queries = {
  p95: quantile("0.95"),
  p99: quantile("0.99"),
  error_share: `(sum(rate(istio_requests_total{{tags},reporter="source",response_code=~"5.."}[1m])) or vector(0)) / sum(rate(istio_requests_total${selected}[1m]))`,
  requests: `sum(increase(istio_requests_total${selected}[1m]))`,
  istiod_cpu: 'avg(rate(container_cpu_usage_seconds_total{{control_plane},container="discovery"}[2m]))',
  istiod_memory: container("container_memory_working_set_bytes", "discovery", "{control_plane}"),
  proxy_cpu: 'avg(rate(container_cpu_usage_seconds_total{{tags},container="istio-proxy"}[2m]))',
  proxy_memory: container("container_memory_working_set_bytes", "istio-proxy"),
  xds_rejects: `sum(increase(pilot_total_xds_rejects{{control_plane}}[1m])) or 0 * ${promPushes}`,
  push_errors: `(sum(increase(pilot_total_xds_internal_errors{{control_plane}}[1m])) or 0 * ${promPushes}) / ${promPushes}`,
  convergence_p99:
    "histogram_quantile(0.99, sum by (le) (rate(pilot_proxy_convergence_time_bucket{{control_plane}}[5m])))",
};

const schema = 'FROM "ContainerInsights/Prometheus" WHERE {tags}';
const select = (metric: string, more = ""): string => `SELECT SUM(${metric}) ${schema}${more}`;
const insights = (metric: string, pod: string): string =>
  `SELECT AVG(${metric}) FROM "ContainerInsights" WHERE {tags} AND PodName = '${pod}'`;

/**
 * The agent drops histograms: there are no quantiles of latency unless somebody makes them. It has no dimension for the pod of a scraped metric
 * either: of two control planes none can be asked for alone but for CPU and memory.
 */
const cloudwatch: Queries = {
  error_share: `failed = ${select("istio_requests_total", " AND reporter = 'source' AND response_class = '5xx'")}\nall = ${select("istio_requests_total", " AND reporter = 'source'")}\n(all * 0 + FILL(failed, 0)) / all`,
  requests: select("istio_requests_total", " AND reporter = 'source'"),
  istiod_cpu: insights("pod_cpu_utilization", "{istiod}"),
  istiod_memory: insights("pod_memory_utilization", "{istiod}"),
  xds_rejects: `rejects = ${select("pilot_total_xds_rejects")}\npushes = ${select("pilot_xds_pushes")}\npushes * 0 + FILL(rejects, 0)`,
  push_errors: `failed = ${select("pilot_total_xds_internal_errors")}\npushes = ${select("pilot_xds_pushes")}\n(pushes * 0 + FILL(failed, 0)) / pushes`,
};

export const defaultQueries: Readonly<Record<MetricLanguage, Queries>> = { datadog, prometheus, cloudwatch };

/** Which cluster, and which destination service, a query is about. */
export interface QuerySubject {
  readonly clusterName: string;
  /** Datadog's tags of the cluster; without any cluster_name:NAME. */
  readonly tags: Readonly<Record<string, string>>;
  /** Name of the service without its namespace's suffix, as the mesh reports it; undefined: the whole cluster. */
  readonly service?: string;
  /** Deployment of the control plane that is meant, of several; undefined: there is but one. */
  readonly istiod?: string;
}

/** Letters that no language gives a meaning, whether in quotes or not. */
const harmless = /^[A-Za-z0-9_./-]{1,200}$/;
/** What may stand in a Datadog tag's value besides. */
const tagValue = /^[A-Za-z0-9_./:@-]{1,200}$/;

/** Errors: invalid-config (a name that cannot stand there without changing the query). */
function place(value: string, language: MetricLanguage, before: string): string {
  const quote = openQuote(before);
  if (language === "datadog") {
    if (tagValue.test(value)) return value;
  } else if (quote === undefined) {
    if (harmless.test(value)) return value;
  } else if (/^[\x20-\x7e]{1,200}$/.test(value)) {
    if (language === "cloudwatch") return value.replaceAll(quote, quote + quote);
    // A pattern takes its letters as letters.
    const pattern = /[=!]~\s*["'][^"']*$/.test(before);
    const letters = pattern ? value.replaceAll(/[\\^$.|?*+()[\]{}]/g, "\\$&") : value;
    if (quote !== "`") return letters.replaceAll("\\", "\\\\").replaceAll(quote, `\\${quote}`);
    if (!letters.includes("`")) return letters;
  }
  throw new SwitchyardError("invalid-config", {
    message: `the name ${JSON.stringify(value)} cannot stand in a query for ${language}: it could change what the query asks for`,
    next: "Use a name of letters, digits, dots, dashes and underscores, or write it into the query yourself.",
  });
}

/** The quote that is open at the end of a text. */
function openQuote(text: string): string | undefined {
  let open: string | undefined;
  for (let index = 0; index < text.length; index += 1) {
    const letter = text[index] ?? "";
    if (open === undefined) {
      if (letter === '"' || letter === "'" || letter === "`") open = letter;
    } else if (letter === "\\" && open !== "`") index += 1;
    else if (letter === open) open = undefined;
  }
  return open;
}

function tagsOf({ clusterName, tags, service }: QuerySubject, language: MetricLanguage): string {
  const name = (value: string, before = ""): string => place(value, language, before);
  switch (language) {
    case "datadog": {
      const pairs = Object.entries(tags).map(([tag, value]) => `${name(tag)}:${name(value)}`);
      const cluster = pairs.length > 0 ? pairs : [`cluster_name:${name(clusterName)}`];
      return [...cluster, ...(service === undefined ? [] : [`destination_service_name:${name(service)}`])].join(",");
    }
    case "prometheus":
      return [
        `cluster="${name(clusterName, '"')}"`,
        ...(service === undefined ? [] : [`destination_service_name="${name(service, '"')}"`]),
      ].join(",");
    case "cloudwatch":
      return [
        `ClusterName = '${name(clusterName, "'")}'`,
        ...(service === undefined ? [] : [`destination_service_name = '${name(service, "'")}'`]),
      ].join(" AND ");
  }
}

/** What selects one control plane of the cluster's: by Deployment where the source knows it, else by the names that its pods have. */
function controlPlaneOf(subject: QuerySubject, language: MetricLanguage): string {
  const tags = tagsOf(subject, language);
  const { istiod } = subject;
  if (istiod === undefined) return tags;
  switch (language) {
    case "datadog":
      return `${tags},kube_deployment:${place(istiod, language, "")}`;
    case "prometheus":
      // istiod-1-31 is not to be found in istiod-1-31-1: what follows are the hash of the template and the pod's own letters.
      return `${tags},pod=~"${place(istiod, language, '=~"')}-[a-z0-9]+-[a-z0-9]+"`;
    case "cloudwatch":
      return `${tags} AND PodName = '${place(istiod, language, "'")}'`;
  }
}

/** Whether one control plane of several can be asked for by it. */
export const namesControlPlane = (template: string): boolean => /\{(control_plane|istiod)\}/.test(template);

/**
 * A query with its placeholders filled in, each escaped for the place where it stands; undefined for a service where there is no
 * place for its name, and for the whole cluster where there is one. Errors: invalid-config.
 */
export function fillQuery(template: string, language: MetricLanguage, subject: QuerySubject): string | undefined {
  const { service, clusterName } = subject;
  if (service === undefined ? template.includes("{service}") : !/\{(tags|control_plane|service)\}/.test(template))
    return undefined;
  let filled = "";
  let rest = template;
  for (let found = nextPlace(rest); found !== undefined; found = nextPlace(rest)) {
    filled += rest.slice(0, found.index);
    if (found.name === "tags") filled += tagsOf(subject, language);
    else if (found.name === "control_plane") filled += controlPlaneOf(subject, language);
    else if (found.name === "istiod") filled += place(subject.istiod ?? "istiod", language, filled);
    else if (found.name === "cluster_name") filled += place(clusterName, language, filled);
    else filled += place(service ?? "", language, filled);
    rest = rest.slice(found.index + found.name.length + 2);
  }
  return filled + rest;
}

function nextPlace(text: string): { readonly index: number; readonly name: string } | undefined {
  const match = /\{(tags|control_plane|istiod|cluster_name|service)\}/.exec(text);
  return match?.[1] === undefined ? undefined : { index: match.index, name: match[1] };
}
