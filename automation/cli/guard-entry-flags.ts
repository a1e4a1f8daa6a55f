/** The attributes of an entry of guard's registry as flags. */
import { Flags } from "@oclif/core";
import { SwitchyardError } from "../errors.ts";
import { type EntryAttributes, parseEntries, writeEntry } from "../guard/registry/entry-file.ts";
import type { ClusterEntry } from "../guard/registry/record.ts";
import { assertNoProblems } from "./guard-entries-input.ts";

export const entryFlags = {
  batch: Flags.string({ description: "Batch (wave) that it belongs to, for example prod-wave-1." }),
  environment: Flags.string({ description: "Environment, for people and filters." }),
  region: Flags.string({ description: "AWS region." }),
  "gitlab-repo": Flags.string({ description: "Repository that Flux reads, group/project." }),
  "flux-config-path": Flags.string({ description: "Folder or file in it below which Flux reads this cluster." }),
  "istio-version": Flags.string({ description: "Version that runs there now." }),
  "aws-role-arn": Flags.string({ description: "Role that guard takes to reach it." }),
  "eks-cluster": Flags.string({ description: "Its name in EKS. Default: the id." }),
  "kubeconfig-path": Flags.string({ description: "A kubeconfig instead of EKS." }),
  "kubeconfig-context": Flags.string({ description: "Context in that file." }),
  "datadog-tag": Flags.string({ description: "NAME=VALUE; may be repeated.", multiple: true }),
  "mesh-id": Flags.string({ description: "Of a mesh over several clusters. Default: its own." }),
  mesh: Flags.string({ description: "The mesh. Default istio.", options: ["istio", "linkerd"] }),
  ambient: Flags.boolean({ description: "It has ztunnel. Default no.", allowNo: true }),
  production: Flags.boolean({ description: "Rules that only warn elsewhere block here. Default yes.", allowNo: true }),
};

/** By flag: those with one value. */
const attributes: Readonly<Record<string, string>> = {
  batch: "batch_id",
  environment: "environment",
  region: "region",
  "gitlab-repo": "gitlab_repo",
  "flux-config-path": "flux_config_path",
  "istio-version": "current_istio_version",
  "aws-role-arn": "aws_role_arn",
  "eks-cluster": "eks_cluster",
  "mesh-id": "mesh_id",
  mesh: "mesh",
  ambient: "ambient",
  production: "production",
};

type Given = Readonly<Record<string, unknown>>;

/** The entry that flags say, over one that there is. Errors: guard-input-invalid with all problems; usage-error. */
export function entryOf(clusterId: string, flags: Given, before?: ClusterEntry): ClusterEntry {
  const given: Record<string, unknown> = { ...(before && writeEntry(before)), cluster_id: clusterId };
  for (const [flag, name] of Object.entries(attributes)) if (flags[flag] !== undefined) given[name] = flags[flag];
  const path = flags["kubeconfig-path"];
  const context = flags["kubeconfig-context"];
  if (path !== undefined || context !== undefined)
    given["kubeconfig"] = {
      path: path ?? before?.kubeconfig?.path ?? "",
      context: context ?? before?.kubeconfig?.context ?? "",
    };
  const tags = flags["datadog-tag"];
  if (Array.isArray(tags)) given["datadog_tags"] = tagsOf(tags.map(String));
  const unset = flags["unset"];
  if (Array.isArray(unset)) for (const name of unset) delete given[String(name)];
  const { entries, problems } = parseEntries([given]);
  assertNoProblems(
    "The command line",
    problems.map((problem) => problem.replace(/^\[0\]\.?/, "")),
  );
  const [entry] = entries;
  if (entry === undefined) throw new Error("an entry without problems is missing");
  return entry;
}

/** Errors: usage-error. */
function tagsOf(given: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    given.map((text) => {
      const at = text.search(/[=:]/);
      if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
      throw new SwitchyardError("usage-error", { message: `--datadog-tag ${text} is not NAME=VALUE` });
    }),
  );
}

/** The command line that brings attributes back to what they were. */
export function undoUpdate(clusterId: string, before: ClusterEntry, changed: readonly string[]): string {
  const old: EntryAttributes = writeEntry(before);
  const flagOf = new Map(Object.entries(attributes).map(([flag, name]) => [name, flag]));
  const parts = changed.flatMap((name) => {
    const value = old[name];
    if (name === "datadog_tags") return tagFlags(before);
    if (name === "kubeconfig" && before.kubeconfig !== undefined) {
      const { path, context } = before.kubeconfig;
      return [`--kubeconfig-path ${word(path)}`, `--kubeconfig-context ${word(context)}`];
    }
    const flag = flagOf.get(name);
    if (name === "production" || name === "ambient") return [`--${before[name] ? "" : "no-"}${name}`];
    if (name === "mesh") return [`--mesh ${before.mesh}`];
    return value === undefined || flag === undefined ? [`--unset ${name}`] : [`--${flag} ${word(String(value))}`];
  });
  return `npx switchyard guard registry update ${clusterId}${parts.map((part) => ` ${part}`).join("")}`;
}

function tagFlags({ datadogTags }: ClusterEntry): readonly string[] {
  const tags = Object.entries(datadogTags).map(([name, value]) => `--datadog-tag ${word(`${name}=${value}`)}`);
  return tags.length === 0 ? ["--unset datadog_tags"] : tags;
}

/** As a shell takes it. */
const word = (text: string): string =>
  /^[\w./:@=+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
