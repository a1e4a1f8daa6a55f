/** The Sail operator: `Istio`, `IstioCNI` and `ZTunnel` say a version, from which the operator takes charts and images itself. Pure. */
import type { Component } from "../../rules/evidence.ts";
import type { Problem } from "../edit.ts";
import { type BuiltObject, describe, isA, nameOf } from "../object.ts";
import { at, leafAt, textAt } from "../tree.ts";
import type { Updater } from "./updater.ts";

const group = "sailoperator.io";

/** CRDs come with the operator: `base` is nobody's here. */
const componentsByKind: Readonly<Record<string, Component>> = { Istio: "istiod", IstioCNI: "cni", ZTunnel: "ztunnel" };

function problemsOf(object: BuiltObject): readonly Problem[] {
  const strategy = textAt(object.tree, "spec", "updateStrategy", "type") ?? "InPlace";
  if (strategy === "InPlace") return [];
  return [
    {
      file: object.path,
      what: `${describe(object)} has the update strategy ${strategy}`,
      why: "the operator would make a second control plane, and workloads would stay at the first",
      fix: "Set spec.updateStrategy.type to InPlace, or upgrade it by hand.",
    },
  ];
}

export const sail: Updater = {
  by: "sail",
  kinds: Object.keys(componentsByKind),
  valuesAt: ["spec", "values"],
  read(object) {
    const kind = Object.keys(componentsByKind).find((one) => isA(object, group, one));
    const component = kind === undefined ? undefined : componentsByKind[kind];
    if (component === undefined) return [];
    const leaf = leafAt(object.tree, "spec", "version");
    return [
      {
        component,
        name: nameOf(object),
        namespace: textAt(object.tree, "spec", "namespace") ?? "istio-system",
        version: leaf === undefined ? undefined : { name: "version", leaf, shape: "sail" },
        address: undefined,
        source: "Sail operator",
        values: at(object.tree, ["spec", "values"]),
        problems: problemsOf(object),
      },
    ];
  },
};
