/** How something other than Flux's Helm releases brings Istio into a cluster: which of its objects say which version of what. Pure. */
import { type Component, components } from "../../rules/evidence.ts";
import type { BuiltObject } from "../object.ts";
import type { Reading, RunBy } from "../release.ts";
import type { Repository } from "../repository.ts";

export interface Updater {
  readonly by: RunBy;
  /** Kinds of its objects: variables are put into them. */
  readonly kinds: readonly string[];
  /** Where values stand in its objects, for messages. */
  readonly valuesAt: readonly string[];
  /** Each component whose version the object says; none of an object that is not its own, or not of Istio. */
  read(object: BuiltObject, repository: Repository): readonly Reading[];
}

export const isComponent = (name: string): name is Component => components.some((one) => one === name);

/** `base`, `cni` and `gateway` are names that others have too: their source has to be Istio's. */
export const isIstioChart = (
  chart: { readonly name: string; readonly source: string },
  sources: ReadonlySet<string> = new Set(),
): boolean =>
  chart.name === "istiod" || chart.name === "ztunnel" || /istio/i.test(chart.source) || sources.has(chart.source);
