/** Whether Renovate merges new versions of Istio by itself. Pure. */
import type { Problem } from "./edit.ts";
import type { Repository } from "./repository.ts";
import { at, itemsAt, type Tree, textAt, textsOf } from "./tree.ts";

const configurations = [
  "renovate.json",
  "renovate.json5",
  ".renovaterc",
  ".renovaterc.json",
  ".renovaterc.json5",
  ".gitlab/renovate.json",
  ".gitlab/renovate.json5",
  ".github/renovate.json",
  ".github/renovate.json5",
] as const;
/** Managers that touch charts of Flux and what goes with them. */
const managers = ["flux", "kubernetes", "kustomize", "helm-values"] as const;
const names = ["istio", "istiod", "base", "cni", "ztunnel", "gateway", "ghcr.io/istio/release/charts/istiod"] as const;

const globbed = (pattern: string, name: string): boolean => {
  const regex = /^!?\/(.*)\/i?$/s.exec(pattern)?.[1];
  try {
    if (regex !== undefined) return new RegExp(regex, "i").test(name);
  } catch {
    return true;
  }
  const source = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll(/\*+/g, ".*");
  return new RegExp(`^${source}$`).test(name);
};

/** A rule without a matcher, or with one that Istio's charts may match. */
function concerns(rule: Tree): boolean {
  const patterns = [
    ...textsOf(itemsAt(rule, "matchPackageNames")),
    ...textsOf(itemsAt(rule, "matchDepNames")),
    ...textsOf(itemsAt(rule, "matchPackagePatterns")).map((one) => `/${one}/`),
    ...textsOf(itemsAt(rule, "matchPackagePrefixes")).map((one) => `${one}*`),
  ];
  const wanted = textsOf(itemsAt(rule, "matchManagers"));
  const sources = textsOf(itemsAt(rule, "matchDatasources"));
  return (
    (patterns.length === 0 || patterns.some((pattern) => names.some((name) => globbed(pattern, name)))) &&
    (wanted.length === 0 || wanted.some((name) => managers.some((one) => one === name))) &&
    (sources.length === 0 || sources.some((name) => name === "helm" || name === "docker"))
  );
}

function isAutomatic(config: Tree): boolean {
  if (textAt(config, "enabled") === "false") return false;
  let automatic = textAt(config, "automerge") === "true";
  for (const manager of managers) {
    const own = textAt(config, manager, "automerge");
    if (own !== undefined) automatic = automatic || own === "true";
  }
  for (const rule of itemsAt(config, "packageRules")) {
    if (!concerns(rule)) continue;
    const own = textAt(rule, "automerge");
    if (textAt(rule, "enabled") === "false") automatic = false;
    else if (own !== undefined) automatic = own === "true";
    else if (["minor", "patch", "major"].some((type) => textAt(at(rule, [type]), "automerge") === "true"))
      automatic = true;
  }
  return automatic;
}

/** A problem for each configuration of Renovate that would merge a version of Istio by itself. */
export function automerges(repository: Repository): readonly Problem[] {
  return configurations.flatMap((path) => {
    const text = repository.text(path);
    if (text === undefined || !text.includes("automerge")) return [];
    const [first] = repository.trees(path).trees;
    if (first !== undefined && !isAutomatic(first.tree)) return [];
    const why =
      first === undefined
        ? "it says automerge, and it cannot be read"
        : "its automerge applies to Istio's charts: somebody else moves the version";
    return [
      {
        file: path,
        what: "Renovate may merge versions of Istio by itself",
        why,
        fix: "Add a packageRule for Istio with automerge: false.",
      },
    ];
  });
}
