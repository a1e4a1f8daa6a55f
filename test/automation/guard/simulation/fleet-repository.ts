/** A repository as fleets have it: a folder per cluster with Flux's Kustomizations, and releases of Istio by component. */

import type { RepositoryHead } from "../../../../automation/guard/simulation/repository.ts";
import type { HostedFile } from "../../../../automation/ports/git-host.ts";

export interface IstioFiles {
  /** Of base, istiod and gateway, where nothing else is said. */
  readonly version: string;
  readonly base?: string;
  readonly gateway?: string;
  /** Further or other lines below `values:` of istiod. */
  readonly values?: string;
  /** Control planes beside it: revision, version, tags. */
  readonly revisions?: readonly {
    readonly revision: string;
    readonly version: string;
    readonly tags?: readonly string[];
  }[];
  readonly ambient?: string;
  /** Lines below `values:` of base and gateway. */
  readonly baseValues?: string;
  readonly gatewayValues?: string;
  /** Further files below the folder of the cluster's Istio. */
  readonly more?: Readonly<Record<string, string>>;
}

const release = (
  name: string,
  chart: string,
  version: string,
  dependsOn: readonly string[],
  values = "",
  place = "istio-system",
) =>
  `apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: ${name}
  namespace: ${place}
spec:
  interval: 10m
${dependsOn.length === 0 ? "" : `  dependsOn:\n${dependsOn.map((one) => `    - name: ${one}\n      namespace: istio-system\n`).join("")}`}  chart:
    spec:
      chart: ${chart}
      version: "${version}"
      sourceRef:
        kind: HelmRepository
        name: istio
        namespace: flux-system
  upgrade:
    strategy:
      name: RetryOnFailure
  values:
    global:
      hub: docker.io/istio
${values}`;

export function istioFiles(cluster: string, istio: IstioFiles): readonly HostedFile[] {
  const { version, base = version, gateway = version, values = "", revisions = [], ambient, more = {} } = istio;
  const { baseValues = "", gatewayValues = "" } = istio;
  // Not below the cluster's own folder: Flux would apply it twice.
  const folder = `istio/${cluster}`;
  const files: Record<string, string> = {
    [`clusters/${cluster}/istio.yaml`]: `apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: istio
  namespace: flux-system
spec:
  interval: 10m
  path: ./${folder}
  prune: true
  wait: true
  sourceRef:
    kind: GitRepository
    name: flux-system
`,
    [`${folder}/source.yaml`]: `apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata:
  name: istio
  namespace: flux-system
spec:
  interval: 1h
  url: https://blob.istio.io/istio-release/charts
`,
    [`${folder}/namespaces.yaml`]: `apiVersion: v1
kind: Namespace
metadata:
  name: istio-ingress
`,
    [`${folder}/base.yaml`]: release("istio-base", "base", base, [], baseValues),
    [`${folder}/istiod.yaml`]: release("istiod", "istiod", version, ["istio-base"], values),
    [`${folder}/gateway.yaml`]: release(
      "ingress",
      "gateway",
      gateway,
      [ambient === undefined ? "istiod" : "ztunnel"],
      gatewayValues,
      "istio-ingress",
    ),
  };
  for (const { revision, version: own, tags = [] } of revisions)
    files[`${folder}/istiod-${revision}.yaml`] = release(
      `istiod-${revision}`,
      "istiod",
      own,
      ["istio-base"],
      `    revision: "${revision}"\n    revisionTags: [${tags.join(", ")}]\n`,
    );
  if (ambient !== undefined) {
    files[`${folder}/cni.yaml`] = release("istio-cni", "cni", ambient, ["istiod"]);
    files[`${folder}/ztunnel.yaml`] = release("ztunnel", "ztunnel", ambient, ["istio-cni"]);
  }
  for (const [name, text] of Object.entries(more)) files[`${folder}/${name}`] = text;
  return Object.entries(files).map(([path, text]) => ({ path, text }));
}

/** A branch that is pushed to: commits are 40 digits, counted. */
export class Branch {
  #head: RepositoryHead;
  #count = 1;

  constructor(files: readonly HostedFile[]) {
    this.#head = { commit: commitOf(1), files };
  }

  head = (): RepositoryHead => this.#head;

  push(files: readonly HostedFile[]): string {
    const changed = new Map(this.#head.files.map((file) => [file.path, file]));
    for (const file of files) changed.set(file.path, file);
    return this.replace([...changed.values()]);
  }

  /** All files; what is not among them goes. */
  replace(files: readonly HostedFile[]): string {
    this.#count++;
    this.#head = { commit: commitOf(this.#count), files };
    return this.#head.commit;
  }

  /** As Git: a commit contains itself and those before it. */
  contains = (commit: string, ancestor: string): boolean =>
    Number.parseInt(commit, 16) >= Number.parseInt(ancestor, 16);
}

const commitOf = (count: number): string => count.toString(16).padStart(40, "0");
