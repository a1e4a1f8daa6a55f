/** One component of Istio in a cluster: where its version comes from, and everything that has to move with it. Pure. */
import type { Component } from "../rules/evidence.ts";
import type { Problem } from "./edit.ts";
import { type BuiltObject, describe } from "./object.ts";
import { at, type Leaf, leafAt, pointerTo, type Tree } from "./tree.ts";
import type { Unit } from "./unit.ts";

/** A value of a release that carries a version, a hub or an address. */
export interface Field {
  readonly name: string;
  readonly leaf: Leaf;
  readonly shape: "chart" | "oci-repository" | "helm-chart" | "argo-cd" | "sail" | "values";
}

/** What is written of one component, as who runs it reads it. */
export interface Reading {
  readonly component: Component;
  readonly name: string;
  readonly namespace: string;
  /** undefined: the files name none. */
  readonly version: Field | undefined;
  /** Address of the chart's repository, with the place. */
  readonly address: Field | undefined;
  /** The address without the chart's own name. */
  readonly source: string;
  readonly values: Tree | undefined;
  readonly verifyKey?: string | undefined;
  /** What stands in the way of moving it. */
  readonly problems: readonly Problem[];
}

/** Who brings what is written into a cluster. */
export type RunBy = "flux" | "sail" | "argo-cd";

export interface IstioRelease extends Reading {
  readonly by: RunBy;
  readonly object: BuiltObject;
  readonly unit: Unit;
  /** `global.tag` and the like, whole image names included. */
  readonly images: readonly Field[];
  readonly hubs: readonly Field[];
}

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

export const lastPart = (address: string): string => address.replace(/\/+$/, "").split("/").at(-1) ?? "";

export const parent = (address: string): string => address.replace(/\/+$/, "").replace(/\/[^/]*$/, "");

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

/** `shown`: where the values stand in the object. */
export function releaseOf(
  by: RunBy,
  reading: Reading,
  object: BuiltObject,
  unit: Unit,
  shown: readonly string[],
): IstioRelease {
  const { values, problems } = reading;
  const own: Problem[] = [...unit.problems, ...problems];
  if (at(values, [internal]) !== undefined)
    own.push({
      file: object.path,
      what: `${describe(object)} sets ${pointerTo(...shown, internal)}`,
      why: "it is the chart's own layer, which changes from version to version",
      fix: "Set the values themselves.",
    });
  return {
    ...reading,
    by,
    object,
    unit,
    images: [...fieldsOf(values, tagPlaces), ...fieldsOf(values, imagePlaces).filter(isWholeImage)],
    hubs: fieldsOf(values, hubPlaces),
    problems: own,
  };
}
