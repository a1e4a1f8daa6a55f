/** IstioMesh's args, and what of them does not fit together. */
import type { MutatingWebhookConfigurationArgs } from "@pulumi/kubernetes/admissionregistration/v1/mutatingWebhookConfiguration.js";
import type { NamespaceArgs } from "@pulumi/kubernetes/core/v1/namespace.js";
import type { ReleaseArgs } from "@pulumi/kubernetes/helm/v3/release.js";
import type { Transform } from "../shared/switchyard-component.ts";
import { checkDistinct, checkPattern, type Problem } from "../shared/validation.ts";
import {
  checkHome,
  checkValues,
  checkVersion,
  compareVersions,
  minorsBetween,
  revisionForm,
  revisionPattern,
} from "./charts.ts";

/** Values of a chart; what the component sets itself counts more. */
export type ChartValues = Readonly<Record<string, unknown>>;

export interface IstioRevision {
  /** Whole version, for example 1.31.1. A change upgrades this control plane in place; a new revision is an entry beside it. */
  readonly version: string;
  /** Default the version with hyphens: 1-31-1. A change replaces the control plane. */
  readonly name?: string;
  /** Default none. */
  readonly values?: ChartValues;
}

export interface IstioNodeComponent {
  /** Whole version, no newer than the default revision. */
  readonly version: string;
  /** Default none. */
  readonly values?: ChartValues;
}

export interface IstioGateway {
  /** Name of the release and of what it makes. */
  readonly name: string;
  /** It exists already. Default that of the control plane. */
  readonly namespace?: string;
  /** Revision or tag that its proxy follows. A tag moves it when the tag moves and its pods restart. */
  readonly revision: string;
  /** Version of its chart; default that of the revision. */
  readonly version?: string;
  /** Default none. */
  readonly values?: ChartValues;
}

export interface IstioMeshArgs {
  /** Control planes side by side, one or more, at most two minors apart. Taking one away removes it: first see that nothing names it. */
  readonly revisions: readonly IstioRevision[];
  /** Revision that validates configuration and leads, by name. */
  readonly defaultRevision: string;
  /** Revision by tag, for example { stable: "1-30-5", canary: "1-31-1" }. Default none. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Version of the CRDs; default that of the newest revision. Going back to an older one is refused by the charts' own policy. */
  readonly baseVersion?: string;
  /** istio-cni on every node. Default none. */
  readonly cni?: IstioNodeComponent;
  /** ztunnel on every node (ambient mode); needs cni. Default none. */
  readonly ztunnel?: IstioNodeComponent;
  /** Default none. */
  readonly gateways?: readonly IstioGateway[];
  /** Namespace of control planes and node components, which is made. Default istio-system. A change replaces everything. */
  readonly namespace?: string;
  /** Repository of the charts, https:// or oci://. Default https://blob.istio.io/istio-release/charts. */
  readonly charts?: string;
  /** Registry and path of the images. Default docker.io/istio. */
  readonly hub?: string;
  /** The way to reach what the args do not offer, by resource; functions see the child's name. */
  readonly transform?: {
    readonly namespace?: Transform<NamespaceArgs>;
    readonly release?: Transform<ReleaseArgs>;
    readonly tag?: Transform<MutatingWebhookConfigurationArgs>;
  };
}

/** Version by the name of its revision. */
export const revisionTargets = ({ revisions }: Pick<IstioMeshArgs, "revisions">): ReadonlyMap<string, string> =>
  new Map(revisions.map(({ version, name }) => [name ?? version.replaceAll(".", "-"), version]));

const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const labelForm = "lower-case letters, digits and hyphens, for example istio-system";
const chartsForm = /^(?:https|oci):\/\/[\w.-]+(?::\d+)?(?:\/[\w./-]*)?$/;
const hubForm = /^[\w.-]+(?::\d+)?(?:\/[\w./-]+)?$/;

/** A newer base serves older control planes; two minors is what a revision may skip. */
const mostApart = 2;

export function settingProblems(args: IstioMeshArgs): Problem[] {
  const shapes = shapeProblems(args);
  // What is compared must be versions first.
  return shapes.length > 0 ? shapes : relationProblems(args);
}

function shapeProblems(args: IstioMeshArgs): Problem[] {
  const { revisions, tags = {}, gateways = [], charts, hub, namespace, baseVersion } = args;
  const names = revisions.map(({ version, name }) => name ?? version.replaceAll(".", "-"));
  return [
    ...checkDistinct("revisions", names, 1),
    ...revisions.flatMap(({ version, name, values }, index) => [
      ...checkVersion(`revisions[${index}].version`, version),
      ...(name === undefined ? [] : checkPattern(`revisions[${index}].name`, name, revisionPattern, revisionForm)),
      ...(name === "default"
        ? [{ path: `revisions[${index}].name`, value: name, allowed: "another name: default is a tag" }]
        : []),
      ...checkValues(`revisions[${index}].values`, values),
    ]),
    ...(baseVersion === undefined ? [] : checkVersion("baseVersion", baseVersion)),
    ...Object.keys(tags).flatMap((tag) => checkPattern(`tags.${tag}`, tag, revisionPattern, revisionForm)),
    ...(["cni", "ztunnel"] as const).flatMap((part) => {
      const given = args[part];
      return given === undefined
        ? []
        : [...checkVersion(`${part}.version`, given.version), ...checkValues(`${part}.values`, given.values)];
    }),
    ...checkDistinct(
      "gateways",
      gateways.map(({ name, namespace: where = "" }) => `${where}/${name}`),
      0,
    ),
    ...gateways.flatMap((gateway, index) => [
      ...checkPattern(`gateways[${index}].name`, gateway.name, label, labelForm),
      ...(gateway.namespace === undefined
        ? []
        : checkPattern(`gateways[${index}].namespace`, gateway.namespace, label, labelForm)),
      ...(gateway.version === undefined ? [] : checkVersion(`gateways[${index}].version`, gateway.version)),
      ...checkValues(`gateways[${index}].values`, gateway.values),
    ]),
    ...(namespace === undefined ? [] : checkPattern("namespace", namespace, label, labelForm)),
    ...(charts === undefined ? [] : checkHome("charts", charts, chartsForm, "an https:// or oci:// address")),
    ...(hub === undefined ? [] : checkHome("hub", hub, hubForm, "a registry with a path, for example docker.io/istio")),
  ];
}

function relationProblems(args: IstioMeshArgs): Problem[] {
  const { tags = {}, gateways = [], baseVersion, cni, ztunnel } = args;
  const targets = revisionTargets(args);
  const names = [...targets.keys()].join(", ");
  const versions = [...targets.values()].toSorted(compareVersions);
  const [oldest = "", newest = ""] = [versions.at(0), versions.at(-1)];
  const plane = targets.get(args.defaultRevision);
  const problems: Problem[] = [];
  const say = (path: string, value: unknown, allowed: string): void => {
    problems.push({ path, value, allowed });
  };
  if (plane === undefined) say("defaultRevision", args.defaultRevision, `one of revisions: ${names}`);
  if (!(minorsBetween(oldest, newest) <= mostApart))
    say("revisions", versions, `versions at most ${mostApart} minors apart`);
  if (baseVersion !== undefined && compareVersions(baseVersion, newest) < 0)
    say("baseVersion", baseVersion, `${newest} or later: CRDs are never older than a control plane`);
  for (const [tag, revision] of Object.entries(tags)) {
    if (!targets.has(revision)) say(`tags.${tag}`, revision, `one of revisions: ${names}`);
    if (targets.has(tag)) say(`tags.${tag}`, tag, "a name that no revision has");
  }
  for (const [index, { revision, version }] of gateways.entries()) {
    const follows = targets.get(tags[revision] ?? revision);
    if (follows === undefined)
      say(
        `gateways[${index}].revision`,
        revision,
        `a revision or a tag: ${[...targets.keys(), ...Object.keys(tags)].join(", ")}`,
      );
    else if (version !== undefined && compareVersions(version, follows) > 0)
      say(`gateways[${index}].version`, version, `${follows} or older: a proxy is never ahead of its control plane`);
  }
  if (ztunnel !== undefined && cni === undefined) say("ztunnel", ztunnel.version, "only together with cni");
  for (const [part, given] of Object.entries({ cni, ztunnel })) {
    if (given === undefined || plane === undefined) continue;
    const behind = minorsBetween(given.version, plane);
    if (compareVersions(given.version, plane) > 0 || !(behind <= 1))
      say(`${part}.version`, given.version, `no newer than the default revision (${plane}), and at most a minor older`);
  }
  if (cni !== undefined && ztunnel !== undefined && compareVersions(ztunnel.version, cni.version) > 0)
    say("ztunnel.version", ztunnel.version, `${cni.version} or older: istio-cni goes first`);
  return problems;
}
