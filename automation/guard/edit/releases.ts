/** The Istio releases of a cluster: where the version of each comes from, and everything that has to move with it. Pure. */
import { type Component, components } from "../evidence.ts";
import type { Problem } from "./edit.ts";
import type { ClusterBuild, Unit } from "./flux.ts";
import { type BuiltObject, describe, isA, nameOf, namespaceOf } from "./object.ts";
import type { Repository } from "./repository.ts";
import { at, entriesAt, itemsAt, type Leaf, leafAt, overlay, pointerTo, type Tree, textAt, withAt } from "./tree.ts";

/** A value of a release that carries a version, a hub or an address. */
export interface Field {
  readonly name: string;
  readonly leaf: Leaf;
  readonly shape: "chart" | "oci-repository" | "helm-chart" | "values";
}

export interface IstioRelease {
  readonly component: Component;
  readonly object: BuiltObject;
  readonly unit: Unit;
  readonly name: string;
  readonly namespace: string;
  /** undefined: the files name none. */
  readonly version: Field | undefined;
  /** `global.tag` and the like, whole image names included. */
  readonly images: readonly Field[];
  readonly hubs: readonly Field[];
  /** Address of the chart's repository, with the place. */
  readonly address: Field | undefined;
  /** The address without the chart's own name. */
  readonly source: string;
  readonly verifyKey: string | undefined;
  readonly values: Tree | undefined;
  /** What stands in the way of moving it. */
  readonly problems: readonly Problem[];
}

const helmGroup = "helm.toolkit.fluxcd.io";
const sourceGroup = "source.toolkit.fluxcd.io";

/** Where charts of Istio take a tag or a hub of an image. */
const tagPlaces = ["global.tag", "pilot.tag", "cni.tag", "ztunnel.tag", "global.proxy.tag", "tag"] as const;
const hubPlaces = ["global.hub", "pilot.hub", "cni.hub", "ztunnel.hub", "hub"] as const;
const imagePlaces = [
  "global.proxy.image",
  "global.proxy_init.image",
  "pilot.image",
  "cni.image",
  "ztunnel.image",
  "image",
] as const;
/** The charts' own layer, which nobody is to write. */
const internal = "_internal_defaults_do_not_set";

export const isHelmRelease = (object: BuiltObject): boolean => isA(object, helmGroup, "HelmRelease");

const lastPart = (address: string): string => address.replace(/\/+$/, "").split("/").at(-1) ?? "";

const parent = (address: string): string => address.replace(/\/+$/, "").replace(/\/[^/]*$/, "");

const isComponent = (name: string): name is Component => components.some((one) => one === name);

/** What a HelmRelease says of its chart. */
interface Chart {
  readonly name: string;
  readonly version: Field | undefined;
  readonly address: Field | undefined;
  readonly source: string;
  readonly owner: BuiltObject | undefined;
  readonly problems: readonly Problem[];
}

class Cluster {
  readonly #repository: Repository;
  readonly #objects: readonly BuiltObject[];

  constructor(repository: Repository, build: ClusterBuild) {
    this.#repository = repository;
    this.#objects = build.units.flatMap(({ objects }) => objects);
  }

  find(group: string, kind: string, name: string, namespace: string): BuiltObject | undefined {
    return this.#objects.find(
      (one) => isA(one, group, kind) && one.names.includes(name) && (namespaceOf(one) ?? namespace) === namespace,
    );
  }

  #referred(reference: Tree | undefined, namespace: string): BuiltObject | undefined {
    return this.find(
      sourceGroup,
      textAt(reference, "kind") ?? "HelmRepository",
      textAt(reference, "name") ?? "",
      textAt(reference, "namespace") ?? namespace,
    );
  }

  /** A chart out of a HelmRepository: of a HelmRelease's template, or of a HelmChart. */
  #template(owner: BuiltObject, spec: Tree | undefined, namespace: string, shape: "chart" | "helm-chart"): Chart {
    const leaf = leafAt(spec, "version");
    const reference = at(spec, ["sourceRef"]);
    const kind = textAt(reference, "kind") ?? "HelmRepository";
    const source = this.#referred(reference, namespace);
    const url = leafAt(source?.tree, "spec", "url");
    const problems: Problem[] = [];
    if (kind !== "HelmRepository")
      problems.push({
        file: owner.path,
        what: `${describe(owner)} takes its chart from a ${kind}`,
        why: "the chart's version stands in the chart itself",
        fix: "Take Istio's charts from a HelmRepository or an OCIRepository.",
      });
    return {
      name: lastPart(textAt(spec, "chart") ?? ""),
      version: leaf === undefined ? undefined : { name: "version", leaf, shape },
      address: url === undefined ? undefined : { name: "url", leaf: url, shape },
      source: url?.value ?? `${kind} ${textAt(reference, "name") ?? ""}`,
      owner: leafAt(spec, "verify", "provider") === undefined ? undefined : owner,
      problems,
    };
  }

  chartOf(release: BuiltObject): Chart | undefined {
    const namespace = namespaceOf(release) ?? "default";
    const reference = at(release.tree, ["spec", "chartRef"]);
    const template = at(release.tree, ["spec", "chart", "spec"]);
    if (textAt(release.tree, "spec", "chart", "kind") !== undefined)
      return this.#unknown(
        release,
        textAt(template, "url") ?? "",
        "it has an inline source, which no released Flux reads",
      );
    if (reference === undefined)
      return template === undefined ? undefined : this.#template(release, template, namespace, "chart");
    const found = this.#referred(reference, namespace);
    const name = textAt(reference, "name") ?? "";
    const kind = textAt(reference, "kind");
    if (found === undefined) return this.#unknown(release, name, `there is no ${kind} ${name}`);
    if (kind === "HelmChart")
      return this.#template(found, at(found.tree, ["spec"]), namespaceOf(found) ?? namespace, "helm-chart");
    if (kind !== "OCIRepository") return this.#unknown(release, name, `a ${kind} names no version`);
    const url = leafAt(found.tree, "spec", "url");
    const tag = leafAt(found.tree, "spec", "ref", "tag");
    const problems = (["digest", "semver"] as const).flatMap((key): readonly Problem[] => {
      const value = textAt(found.tree, "spec", "ref", key);
      if (value === undefined) return [];
      const why = key === "digest" ? "a digest goes before the tag" : `the range ${value} goes before the tag`;
      const fix = `Take ref.${key} away and pin ref.tag, by a merge request of its own.`;
      return [{ file: found.path, what: `${describe(found)} has ref.${key}`, why, fix }];
    });
    const semver = leafAt(found.tree, "spec", "ref", "semver") ?? tag;
    return {
      name: lastPart(url?.value ?? ""),
      version: semver === undefined ? undefined : { name: "ref.tag", leaf: semver, shape: "oci-repository" },
      address: url === undefined ? undefined : { name: "url", leaf: url, shape: "oci-repository" },
      source: parent(url?.value ?? ""),
      owner: found,
      problems,
    };
  }

  #unknown(release: BuiltObject, name: string, why: string): Chart {
    const problem: Problem = {
      file: release.path,
      what: `The chart of ${describe(release)} cannot be followed`,
      why,
      fix: "Name the chart by spec.chart, or by a chartRef to an OCIRepository or a HelmChart of this repository.",
    };
    const guess = lastPart(name).replace(/^istio-/, "");
    return {
      name: guess,
      version: undefined,
      address: undefined,
      source: "unknown",
      owner: undefined,
      problems: [problem],
    };
  }

  /** All values, those of ConfigMaps first, as Helm gets them. */
  valuesOf(release: BuiltObject): { readonly values: Tree | undefined; readonly problems: readonly Problem[] } {
    const namespace = namespaceOf(release) ?? "default";
    let values: Tree | undefined;
    const problems: Problem[] = [];
    for (const item of itemsAt(release.tree, "spec", "valuesFrom")) {
      const [kind = "", name = "", key = "values.yaml"] = ["kind", "name", "valuesKey"].map((one) => textAt(item, one));
      const target = textAt(item, "targetPath");
      if (target !== undefined && !concernsVersions(target)) continue;
      const found = this.find("", kind, name, namespace);
      const leaf = leafAt(found?.tree, "data", key) ?? leafAt(found?.tree, "stringData", key);
      const file = found?.path ?? release.path;
      const refuse = (why: string, fix: string): void => {
        problems.push({ file, what: `Values of ${describe(release)} from ${kind} ${name} cannot be read`, why, fix });
      };
      if (leaf === undefined) {
        refuse(`this repository has no ${kind} ${name} with ${key}`, "Keep it in this repository, or set targetPath.");
        continue;
      }
      if (leaf.value.startsWith("ENC[") || (kind === "Secret" && leafAt(found?.tree, "data", key) !== undefined)) {
        refuse("it is a Secret", "Keep what names images and versions in a ConfigMap, or set targetPath.");
        continue;
      }
      if (target !== undefined) values = withAt(values, target.split("."), leaf);
      else {
        const { trees, problem } = this.#repository.nested(leaf);
        const [first] = trees;
        if (problem !== undefined) refuse(problem, "Correct the text.");
        else if (first !== undefined) values = overlay(values, first.tree);
      }
    }
    const own = at(release.tree, ["spec", "values"]);
    return { values: own === undefined ? values : overlay(values, own), problems };
  }

  /** Names of the public keys in the Secret that a source verifies with. */
  verifyKey(owner: BuiltObject | undefined): string | undefined {
    if (owner === undefined) return undefined;
    const spec = at(owner.tree, ["spec", "verify"]) ?? at(owner.tree, ["spec", "chart", "spec", "verify"]);
    const name = textAt(spec, "secretRef", "name");
    const secret = name === undefined ? undefined : this.find("", "Secret", name, namespaceOf(owner) ?? "default");
    return [...entriesAt(secret?.tree, "data").keys(), ...entriesAt(secret?.tree, "stringData").keys()].find((key) =>
      key.endsWith(".pub"),
    );
  }
}

/** Whether a value, by its place with dots, names an image or a registry. */
export const concernsVersions = (target: string): boolean =>
  [...tagPlaces, ...hubPlaces, ...imagePlaces].some((place) => place === target || place.startsWith(`${target}.`)) ||
  target.startsWith(internal);

const fieldsOf = (values: Tree | undefined, places: readonly string[]): readonly Field[] =>
  places.flatMap((name) => {
    const leaf = leafAt(values, ...name.split("."));
    return leaf === undefined ? [] : [{ name, leaf, shape: "values" as const }];
  });

/** A whole image name, with a tag or a digest behind its last slash. */
const isWholeImage = ({ leaf }: Field): boolean => /[:@]/.test(lastPart(leaf.value));

/** `base`, `cni` and `gateway` are names that others have too: their source has to be Istio's. */
function isIstio(chart: Chart, sources: ReadonlySet<string>): boolean {
  return (
    chart.name === "istiod" || chart.name === "ztunnel" || /istio/i.test(chart.source) || sources.has(chart.source)
  );
}

function releaseOf(
  cluster: Cluster,
  object: BuiltObject,
  unit: Unit,
  chart: Chart,
  component: Component,
): IstioRelease {
  const { values, problems } = cluster.valuesOf(object);
  const own: Problem[] = [...unit.problems, ...chart.problems, ...problems];
  if (at(values, [internal]) !== undefined)
    own.push({
      file: object.path,
      what: `${describe(object)} sets ${pointerTo("spec", "values", internal)}`,
      why: "it is the chart's own layer, which changes from version to version",
      fix: "Set the values themselves.",
    });
  return {
    component,
    object,
    unit,
    name: nameOf(object),
    namespace: namespaceOf(object) ?? "default",
    version: chart.version,
    images: [...fieldsOf(values, tagPlaces), ...fieldsOf(values, imagePlaces).filter(isWholeImage)],
    hubs: fieldsOf(values, hubPlaces),
    address: chart.address,
    source: chart.source,
    verifyKey: cluster.verifyKey(chart.owner),
    values,
    problems: own,
  };
}

export function istioReleases(repository: Repository, build: ClusterBuild): readonly IstioRelease[] {
  const cluster = new Cluster(repository, build);
  const found = build.units.flatMap((unit) =>
    unit.objects.filter(isHelmRelease).flatMap((object) => {
      const chart = cluster.chartOf(object);
      return chart === undefined || !isComponent(chart.name) ? [] : [{ object, unit, chart, component: chart.name }];
    }),
  );
  const sources = new Set(
    found.filter(({ component }) => component === "istiod" || component === "ztunnel").map(({ chart }) => chart.source),
  );
  return found
    .filter(({ chart }) => isIstio(chart, sources))
    .map(({ object, unit, chart, component }) => releaseOf(cluster, object, unit, chart, component));
}

/** Names of the releases that a release waits for. */
export const dependsOnOf = ({ object }: IstioRelease): readonly string[] =>
  itemsAt(object.tree, "spec", "dependsOn").flatMap((item) => textAt(item, "name") ?? []);
