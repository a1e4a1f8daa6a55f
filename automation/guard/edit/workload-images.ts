/** Images of plain workloads: what kustomize's `images` makes of them, and which of them are Istio's and move with it. Pure. */
import type { Component } from "../rules/evidence.ts";
import type { Problem } from "./edit.ts";
import { type BuiltObject, describe, kindOf } from "./object.ts";
import { itemsAt, type Leaf, leafAt, type Part, type Tree, withAt } from "./tree.ts";

/** A container's image that carries a version of Istio. */
export interface WorkloadImage {
  readonly component: Component;
  readonly object: BuiltObject;
  /** Why it cannot be said for sure what is applied. */
  readonly problems: readonly Problem[];
  /** `container istio-proxy` */
  readonly name: string;
  readonly leaf: Leaf;
}

const podSpecs: Readonly<Record<string, readonly string[]>> = {
  CronJob: ["spec", "jobTemplate", "spec", "template", "spec"],
  DaemonSet: ["spec", "template", "spec"],
  Deployment: ["spec", "template", "spec"],
  Job: ["spec", "template", "spec"],
  Pod: ["spec"],
  ReplicaSet: ["spec", "template", "spec"],
  StatefulSet: ["spec", "template", "spec"],
};

/** By the last part of an image's name; `pilot` and `ztunnel` are Istio's in a folder that is called so. */
const componentsByImage: Readonly<Record<string, Component>> = {
  "install-cni": "cni",
  pilot: "istiod",
  proxyv2: "gateway",
  ztunnel: "ztunnel",
};
const ofIstioAlone = new Set(["install-cni", "proxyv2"]);

interface Container {
  readonly steps: readonly string[];
  readonly name: string;
  readonly image: Leaf;
}

function containersOf(object: BuiltObject): readonly Container[] {
  const spec = podSpecs[kindOf(object)];
  if (spec === undefined) return [];
  return ["containers", "initContainers"].flatMap((list) =>
    itemsAt(object.tree, ...spec, list).flatMap((item, index) => {
      const image = leafAt(item, "image");
      const steps = [...spec, list, String(index), "image"];
      return image === undefined ? [] : [{ steps, name: leafAt(item, "name")?.value ?? String(index), image }];
    }),
  );
}

/** Where the name of an image ends: in front of its tag or its digest. */
function nameEnd(image: string): number {
  const last = image.lastIndexOf("/") + 1;
  const end = image.slice(last).search(/[:@]/);
  return end < 0 ? image.length : last + end;
}

function partsUntil({ parts }: Leaf, end: number): readonly Part[] {
  let begin = 0;
  return parts.flatMap((part) => {
    const text = part.text.slice(0, Math.max(0, end - begin));
    begin += part.text.length;
    return text === "" ? [] : [{ ...part, text }];
  });
}

const between = (text: string): Part => ({ text, place: undefined, offset: 0, at: "", via: "images" });
const partsOf = (leaf: Leaf): readonly Part[] => leaf.parts.map((part) => ({ ...part, via: "images" }));

/** The image as an entry of `images` leaves it; undefined when it means another. */
function changed(image: Leaf, entry: Tree): Leaf | undefined {
  const end = nameEnd(image.value);
  if (image.value.slice(0, end) !== leafAt(entry, "name")?.value) return undefined;
  const [newName, newTag, digest] = ["newName", "newTag", "digest"].map((key) => leafAt(entry, key));
  if (newName === undefined && newTag === undefined && digest === undefined) return undefined;
  const name = newName === undefined ? partsUntil(image, end) : partsOf(newName);
  const [mark, version] = digest === undefined ? [":", newTag] : ["@", digest];
  const rest = version === undefined ? partsBehind(image, end) : [between(mark), ...partsOf(version)];
  const parts = [...name, ...rest];
  return { kind: "leaf", value: parts.map(({ text }) => text).join(""), isNull: false, parts };
}

function partsBehind({ parts }: Leaf, from: number): readonly Part[] {
  let begin = 0;
  return parts.flatMap((part) => {
    const skipped = Math.min(part.text.length, Math.max(0, from - begin));
    begin += part.text.length;
    const text = part.text.slice(skipped);
    return text === "" ? [] : [{ ...part, text, offset: part.offset + skipped }];
  });
}

/** The objects as the `images` of a kustomization.yaml, or of a Flux Kustomization, leave them. */
export function retagged(objects: readonly BuiltObject[], images: readonly Tree[]): readonly BuiltObject[] {
  if (images.length === 0) return objects;
  return objects.map((object) => {
    let { tree } = object;
    for (const { steps } of containersOf(object))
      for (const entry of images) {
        const image = leafAt(tree, ...steps);
        const now = image === undefined ? undefined : changed(image, entry);
        if (now !== undefined) tree = withAt(tree, steps, now) ?? tree;
      }
    return tree === object.tree ? object : { ...object, tree };
  });
}

function componentOf(image: string): Component | undefined {
  const name = image.slice(0, nameEnd(image));
  const last = name.slice(name.lastIndexOf("/") + 1);
  return ofIstioAlone.has(last) || /istio/i.test(name) ? componentsByImage[last] : undefined;
}

/** Whether it may be of Istio, also where a variable still stands for something in the name. */
export const hasIstioImage = (object: BuiltObject): boolean =>
  containersOf(object).some(({ image }) => componentOf(image.value) !== undefined || image.value.includes("${"));

/** Those that name a tag or a digest; `auto`, which the injector fills in, is none. */
export const istioImages = (
  units: readonly { readonly objects: readonly BuiltObject[]; readonly problems: readonly Problem[] }[],
): readonly WorkloadImage[] =>
  units.flatMap(({ objects, problems }) =>
    objects.flatMap((object) =>
      containersOf(object).flatMap(({ name, image }) => {
        const component = componentOf(image.value);
        return component === undefined || nameEnd(image.value) === image.value.length
          ? []
          : [{ component, object, problems, name: `image of container ${name}`, leaf: image }];
      }),
    ),
  );

/** `Deployment edge/gateway` */
export const workloadOf = ({ object }: WorkloadImage): string => describe(object);
