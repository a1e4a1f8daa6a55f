/** The Istio releases of a cluster: where the version of each comes from, and everything that has to move with it. Pure. */
import type { Component } from "../rules/evidence.ts";
import type { Problem } from "./edit.ts";
import { type BuiltObject, describe, isA, nameOf, namespaceOf } from "./object.ts";
import {
  concernsVersions,
  type Field,
  type IstioRelease,
  lastPart,
  parent,
  type Reading,
  releaseOf,
} from "./release.ts";
import type { Repository } from "./repository.ts";
import { at, entriesAt, itemsAt, leafAt, overlay, type Tree, textAt, withAt } from "./tree.ts";
import type { ClusterBuild } from "./unit.ts";
import { isComponent, isIstioChart, type Updater } from "./updaters/updater.ts";
import { updaters } from "./updaters/updaters.ts";

const helmGroup = "helm.toolkit.fluxcd.io";
const sourceGroup = "source.toolkit.fluxcd.io";

export const isHelmRelease = (object: BuiltObject): boolean => isA(object, helmGroup, "HelmRelease");

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

function fluxReading(cluster: Cluster, object: BuiltObject, chart: Chart, component: Component): Reading {
  const { values, problems } = cluster.valuesOf(object);
  return {
    component,
    name: nameOf(object),
    namespace: namespaceOf(object) ?? "default",
    version: chart.version,
    address: chart.address,
    source: chart.source,
    verifyKey: cluster.verifyKey(chart.owner),
    values,
    problems: [...chart.problems, ...problems],
  };
}

/** By the releases of Helm that Flux makes, then by whatever else brings Istio into a cluster. */
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
  const ofFlux = found
    .filter(({ chart }) => isIstioChart(chart, sources))
    .map(({ object, unit, chart, component }) =>
      releaseOf("flux", fluxReading(cluster, object, chart, component), object, unit, ["spec", "values"]),
    );
  return [...ofFlux, ...updaters.flatMap((updater) => updatedBy(updater, repository, build))];
}

function updatedBy(updater: Updater, repository: Repository, build: ClusterBuild): readonly IstioRelease[] {
  return build.units.flatMap((unit) =>
    unit.objects.flatMap((object) =>
      updater.read(object, repository).map((reading) => releaseOf(updater.by, reading, object, unit, updater.valuesAt)),
    ),
  );
}

/** Names of the releases that a release waits for. */
export const dependsOnOf = ({ object }: IstioRelease): readonly string[] =>
  itemsAt(object.tree, "spec", "dependsOn").flatMap((item) => textAt(item, "name") ?? []);
