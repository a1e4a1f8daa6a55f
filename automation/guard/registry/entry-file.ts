/**
 * Entries of the registry as files have them: a list of objects in snake_case, also what `aws dynamodb scan` prints of the original
 * tool's table. Pure.
 */
import { nearest } from "../../nearest.ts";
import { type ClusterEntry, clusterEntry } from "./record.ts";
import { type GuardState, originalNames } from "./state-names.ts";

/** In the order in which they are written. */
export const entryNames: Readonly<Record<string, keyof ClusterEntry>> = {
  cluster_id: "clusterId",
  batch_id: "batchId",
  environment: "environment",
  region: "region",
  gitlab_repo: "gitlabRepo",
  flux_config_path: "fluxConfigPath",
  aws_role_arn: "awsRoleArn",
  eks_cluster: "eksCluster",
  kubeconfig: "kubeconfig",
  current_istio_version: "currentIstioVersion",
  datadog_tags: "datadogTags",
  production: "production",
  ambient: "ambient",
  mesh_id: "meshId",
  mesh: "mesh",
};

/** Attributes of the original's table that mean nothing here; `status` is looked at. */
const originalOnly = [
  "target_istio_version",
  "owner_team",
  "owner_handle",
  "last_updated",
  "upgrade_history",
  "metadata",
  "version",
];

/** By their names in files. */
export type EntryAttributes = Readonly<Record<string, unknown>>;

export interface ParsedEntries {
  readonly entries: readonly ClusterEntry[];
  /** With place; where there is one, no entry counts. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A list, `{clusters: […]}`, `{Items: […]}` of DynamoDB, or one entry. */
export function parseEntries(value: unknown): ParsedEntries {
  const items = itemsOf(value);
  if (items === undefined) return { entries: [], problems: ["must be a list of clusters"], warnings: [] };
  const parsed = items.map((item, index) => parseEntry(plain(item), `[${index}]`));
  const entries = parsed.flatMap(({ entry }) => entry ?? []);
  return {
    entries,
    problems: [...parsed.flatMap(({ problems }) => problems), ...doubled(entries)],
    warnings: [...new Set(parsed.flatMap(({ warnings }) => warnings))],
  };
}

function itemsOf(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  if (!isObject(value)) return undefined;
  const list = value["clusters"] ?? value["Items"];
  if (Array.isArray(list)) return list;
  return "cluster_id" in value || "Item" in value ? [value] : undefined;
}

function doubled(entries: readonly ClusterEntry[]): readonly string[] {
  const ids = entries.map(({ clusterId }) => clusterId);
  return [...new Set(ids.filter((id, index) => ids.indexOf(id) < index))].map((id) => `${id}: is there more than once`);
}

/** What DynamoDB writes as `{S: "text"}`, as the value itself. */
function plain(item: unknown): unknown {
  if (!isObject(item)) return item;
  const attributes = "Item" in item && isObject(item["Item"]) ? item["Item"] : item;
  const id = attributes["cluster_id"];
  if (!isObject(id)) return attributes;
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, attribute(value)]));
}

function attribute(value: unknown): unknown {
  if (!isObject(value)) return value;
  const [[type, content] = [], ...more] = Object.entries(value);
  if (more.length > 0) return value;
  switch (type) {
    case "N":
      return Number(content);
    case "NULL":
      return undefined;
    case "M":
      return isObject(content)
        ? Object.fromEntries(Object.entries(content).map(([name, one]) => [name, attribute(one)]))
        : content;
    case "L":
      return Array.isArray(content) ? content.map(attribute) : content;
    default:
      return content;
  }
}

interface ParsedEntry {
  readonly entry?: ClusterEntry;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

function parseEntry(item: unknown, place: string): ParsedEntry {
  if (!isObject(item)) return { problems: [`${place}: must be an object with cluster_id and the rest`], warnings: [] };
  const problems: string[] = [];
  const warnings: string[] = [];
  const given: Record<string, unknown> = {};
  const id = typeof item["cluster_id"] === "string" ? item["cluster_id"] : place;
  for (const [name, value] of Object.entries(item)) {
    const inside = Object.hasOwn(entryNames, name) ? entryNames[name] : undefined;
    if (inside !== undefined) {
      if (value !== undefined && value !== null) given[inside] = value;
    } else if (name === "status") {
      const { problem, warning } = lookAtStatus(id, value);
      if (problem !== undefined) problems.push(`${place}.status: ${problem}`);
      if (warning !== undefined) warnings.push(warning);
    } else if (originalOnly.includes(name)) warnings.push(`${name} means nothing here and is left out`);
    else problems.push(`${place}.${name}: no such attribute${nearest(name, Object.keys(entryNames))}`);
  }
  const parsed = clusterEntry.safeParse(given);
  if (parsed.success) return { ...(problems.length === 0 ? { entry: parsed.data } : {}), problems, warnings };
  for (const { path, message } of parsed.error.issues) {
    const [first, ...rest] = path;
    const name = Object.keys(entryNames).find((one) => entryNames[one] === first) ?? String(first);
    problems.push(
      `${place}.${[name, ...rest.map(String)].join(".")}: ${first !== undefined && !(String(first) in given) ? "is missing" : message}`,
    );
  }
  return { problems, warnings };
}

/** An entry comes in as pending, whatever the original said: it is proven here first. */
function lookAtStatus(id: string, status: unknown): { readonly problem?: string; readonly warning?: string } {
  const state = stateOf(status);
  if (state === undefined)
    return { problem: `${JSON.stringify(status)} is no state that the original tool writes or that is known here` };
  if (state === "healthy" || state === "pending") return {};
  return {
    warning: `${id} was ${String(status)} (here: ${state}) in the other tool; it comes in as pending, so look at its merge request and its version first`,
  };
}

function stateOf(status: unknown): GuardState | undefined {
  if (typeof status !== "string") return undefined;
  const known = Object.values(originalNames).find((name) => name === status);
  return known ?? (Object.hasOwn(originalNames, status) ? originalNames[status] : undefined);
}

/** As a file has it; what is as by default is left out, but for what people look for. */
export function writeEntry(entry: ClusterEntry): EntryAttributes {
  const isDefault = (name: string, value: unknown): boolean =>
    value === undefined ||
    (name === "datadog_tags" && isObject(value) && Object.keys(value).length === 0) ||
    (name === "production" && value === true) ||
    (name === "ambient" && value === false) ||
    (name === "mesh" && value === "istio");
  return Object.fromEntries(
    Object.entries(entryNames).flatMap(([name, inside]) => {
      const value = entry[inside];
      return isDefault(name, value) ? [] : [[name, value]];
    }),
  );
}

/** Names of the attributes in which two entries differ. */
export function differences(one: ClusterEntry, other: ClusterEntry): readonly string[] {
  const text = (value: unknown): string =>
    JSON.stringify(isObject(value) ? Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)) : (value ?? null));
  return Object.keys(entryNames).filter((name) => {
    const inside = entryNames[name];
    return inside !== undefined && text(one[inside]) !== text(other[inside]);
  });
}
