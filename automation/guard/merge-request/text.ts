/** What stands in guard's merge requests and commits: for people, and safe whatever a cluster's texts hold. Pure. */

import type { Finding, Level } from "../rules/rule.ts";
import { markPattern, markText, type StepMark } from "./mark.ts";
import { fitting, inline, row, table } from "./markdown.ts";

export interface ClusterText {
  readonly cluster: string;
  readonly from: string;
  readonly to: string;
  /** What the rules say of it. */
  readonly findings: readonly Finding[];
}

export interface UpgradeText {
  readonly mark: StepMark;
  /** What this step moves, `control plane`. */
  readonly what: string;
  /** How many merge requests the hop has. */
  readonly steps: number;
  readonly clusters: readonly ClusterText[];
  /** Paths that it changes. */
  readonly files: readonly string[];
  /** Links with {cluster_name} and {batch}. */
  readonly dashboards: readonly string[];
  /** When it is made, ms since the epoch. */
  readonly at: number;
  readonly draft: boolean;
}

export interface RollbackText extends Omit<UpgradeText, "draft"> {
  readonly reason: string;
  /** A person's name, or a gate. */
  readonly askedBy: string;
  /** What was seen: signals, values and limits, one a line. */
  readonly evidence: readonly string[];
  /** Proxies are ahead of their control plane until they have restarted: restarts follow the merge at once. */
  readonly dataPlaneMoved: boolean;
}

interface MergeRequestText {
  readonly title: string;
  readonly description: string;
  readonly commitMessage: string;
}

const levels: readonly Level[] = ["block", "undecided", "manual", "warn"];
const levelNames: Readonly<Record<Level, string>> = {
  block: "blocks",
  undecided: "not known",
  manual: "look at it",
  warn: "warning",
};

const findingsBound = { most: 200, characters: 80_000 };
const clustersBound = { most: 500, characters: 40_000 };
const filesBound = { most: 500, characters: 40_000 };
const linksBound = { most: 200, characters: 30_000 };
const evidenceBound = { most: 50, characters: 20_000 };
const titleLimit = 250;

const time = (at: number): string => new Date(at).toISOString().replace(/\.\d+Z$/, "Z");
const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? "" : "s"}`;
const more = (left: number): readonly string[] => (left > 0 ? ["", `and ${left} more.`] : []);

function health(findings: readonly Finding[]): string {
  const parts = levels.flatMap((level) => {
    const number = findings.filter((one) => one.level === level).length;
    return number === 0 ? [] : [`${number} × ${levelNames[level]}`];
  });
  return parts.length === 0 ? "passed" : parts.join(", ");
}

function clusterSection(clusters: readonly ClusterText[]): readonly string[] {
  const { shown, left } = fitting(clusters, clustersBound, ({ cluster, from, to, findings }) =>
    row([inline(cluster, 100), inline(from, 40), inline(to, 40), health(findings)]),
  );
  return ["## Clusters", "", ...table(["Cluster", "From", "To", "Checks"], shown), ...more(left)];
}

/** A link's text is ours; its address holds nothing that ends it. */
const ruleLink = ({ rule, link }: Finding): string =>
  /^https:\/\/[^\s\p{C}<>()|]+$/u.test(link) ? `[${inline(rule, 10)}](${link})` : inline(rule, 10);

function healthSection(clusters: readonly ClusterText[]): readonly string[] {
  const all = clusters
    .flatMap(({ cluster, findings }) => findings.map((finding) => ({ cluster, finding })))
    .toSorted((one, other) => levels.indexOf(one.finding.level) - levels.indexOf(other.finding.level));
  if (all.length === 0) return ["## Health report", "", `All checks passed in ${count(clusters.length, "cluster")}.`];
  const { shown, left } = fitting(all, findingsBound, ({ cluster, finding }) =>
    row([
      inline(cluster, 100),
      levelNames[finding.level],
      ruleLink(finding),
      inline(finding.subject, 120),
      inline(finding.evidence, 300),
      inline(finding.fix, 300),
    ]),
  );
  return [
    "## Health report",
    "",
    ...table(["Cluster", "Level", "Rule", "What", "Found", "To do"], shown),
    ...more(left),
  ];
}

function fileSection(files: readonly string[]): readonly string[] {
  const { shown, left } = fitting(files, filesBound, (path) => `- ${inline(path, 500)}`);
  return ["## Files", "", ...shown, ...more(left)];
}

/** Templates are of the configuration, names of the registry; only what is a web address becomes a link. */
function dashboardSection(
  { batch }: StepMark,
  clusters: readonly ClusterText[],
  dashboards: readonly string[],
): readonly string[] {
  const filled = dashboards.flatMap((template) =>
    (template.includes("{cluster_name}") ? clusters.map(({ cluster }) => cluster) : [undefined]).map((cluster) => ({
      name: cluster ?? batch,
      address: template
        .replaceAll("{cluster_name}", encodeURIComponent(cluster ?? ""))
        .replaceAll("{batch}", encodeURIComponent(batch)),
    })),
  );
  if (filled.length === 0) return [];
  const { shown, left } = fitting(filled, linksBound, ({ name, address }) =>
    URL.canParse(address) && /^https?:\/\/[^\s\p{C}<>()|"`]+$/u.test(address)
      ? `- ${inline(name, 100)}: <${address}>`
      : `- ${inline(name, 100)}: ${inline(address, 500)}`,
  );
  return ["", "## Dashboards", "", ...shown, ...more(left)];
}

const heldUntil = ({ checkedAt, validMinutes }: StepMark): string =>
  `its checks hold until ${time(checkedAt + validMinutes * 60_000)}.`;

/** A description whose checks were made again; what people wrote into it stays. */
export const withFreshMark = (description: string, mark: StepMark): string =>
  description
    .replace(markPattern, () => markText(mark))
    .replace(/its checks hold until [0-9T:Z-]+\.(?=\n)/, () => heldUntil(mark));

function footer(mark: StepMark, at: number): readonly string[] {
  return [
    "",
    `Plan ${mark.plan}, step ${mark.step + 1}, attempt ${mark.attempt}. Made ${time(at)}; ${heldUntil(mark)}`,
    "Commits of others on this branch end this attempt.",
    "",
    markText(mark),
    "",
  ];
}

const where = ({ batch, cluster }: StepMark): string => (cluster === undefined ? batch : `${cluster} (${batch})`);

function titleOf(
  text: string,
  { mark, steps, at }: Pick<UpgradeText, "mark" | "steps" | "at">,
  draft: boolean,
): string {
  const step = steps > 1 ? `, step ${mark.step + 1} of ${steps}` : "";
  const attempt = mark.attempt > 1 ? `, attempt ${mark.attempt}` : "";
  const end = `${step}${attempt}, ${time(at)}`;
  const begin = `${draft ? "Draft: " : ""}${text}`.replaceAll(/[\s\p{Cc}]+/gu, " ");
  return `${begin.slice(0, titleLimit - end.length).toWellFormed()}${end}`;
}

/** Git reads `Name: value` lines at the end; what is of others has no line of its own. */
function commitMessage(subject: string, clusters: readonly ClusterText[], { plan, step, attempt }: StepMark): string {
  const flat = (text: string): string => text.replaceAll(/[\s\p{Cc}]+/gu, " ").trim();
  const { shown, left } = fitting(clusters, { most: 100, characters: 10_000 }, ({ cluster, from, to }) =>
    flat(`- ${cluster}: ${from} to ${to}`),
  );
  return [
    flat(subject).slice(0, 120),
    "",
    ...shown,
    ...(left > 0 ? [`- and ${left} more`] : []),
    "",
    `Guard-Plan: ${plan}`,
    `Guard-Step: ${step}`,
    `Guard-Attempt: ${attempt}`,
    "",
  ].join("\n");
}

export function upgradeText(text: UpgradeText): MergeRequestText {
  const { mark, what, clusters, files, dashboards, at, draft } = text;
  const subject = `Istio ${mark.version} for ${where(mark)}: ${what}`;
  const description = [
    `Moves Istio to ${mark.version} (${inline(what, 100)}) in ${count(clusters.length, "cluster")} of ${mark.batch}. Merging it begins the upgrade: Flux applies it, and guard proves that and watches.`,
    "",
    ...clusterSection(clusters),
    "",
    ...healthSection(clusters),
    "",
    ...fileSection(files),
    ...dashboardSection(mark, clusters, dashboards),
    "",
    "## Before you merge",
    "",
    "- [ ] The health report holds nothing that stops this batch",
    "- [ ] The diff changes versions (and sources) of these clusters only",
    "- [ ] The dashboards show no incident",
    "- [ ] Somebody is there to look at the soak",
    ...footer(mark, at),
  ].join("\n");
  return { title: titleOf(subject, text, draft), description, commitMessage: commitMessage(subject, clusters, mark) };
}

export function rollbackText(text: RollbackText): MergeRequestText {
  const { mark, what, clusters, files, dashboards, at, reason, askedBy, evidence, dataPlaneMoved } = text;
  const subject = `Roll back Istio to ${mark.version} for ${where(mark)}: ${what}`;
  const { shown, left } = fitting(evidence, evidenceBound, (line) => `- ${inline(line, 500)}`);
  const description = [
    `Takes Istio back to ${mark.version} (${inline(what, 100)}) in ${count(clusters.length, "cluster")} of ${mark.batch}.`,
    "",
    "## Why",
    "",
    `> ${inline(reason, 2_000)}`,
    "",
    `Asked for by ${inline(askedBy, 200)}.`,
    "",
    ...(shown.length === 0 ? [] : ["## Evidence", "", ...shown, ...more(left), ""]),
    ...(dataPlaneMoved
      ? [
          "Proxies have moved already. From the merge until they have restarted they are newer than their control plane, which Istio does not support: guard restarts them at once and reports how long it took.",
          "",
        ]
      : [
          "Guard has restarted no workload. Pods that started by themselves meanwhile have proxies that are newer than their control plane from the merge on: guard restarts those at once and reports how long it took.",
          "",
        ]),
    ...clusterSection(clusters),
    "",
    ...fileSection(files),
    ...dashboardSection(mark, clusters, dashboards),
    "",
    "## Before you merge",
    "",
    "- [ ] The diff takes back what the upgrade changed, and nothing else",
    "- [ ] CRDs stay as they are",
    ...footer(mark, at),
  ].join("\n");
  return { title: titleOf(subject, text, false), description, commitMessage: commitMessage(subject, clusters, mark) };
}
