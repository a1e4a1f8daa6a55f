/** The repository of a simulated fleet: a folder per cluster, as `flux bootstrap` leaves one, with Istio's charts in order. Pure. */

const release = (name: string, chart: string, version: string, after: string | undefined, place: string): string =>
  `apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: ${name}
  namespace: ${place}
spec:
  interval: 10m
${after === undefined ? "" : `  dependsOn:\n    - name: ${after}\n      namespace: istio-system\n`}  chart:
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
`;

export const folderOf = (cluster: string): string => `clusters/${cluster}`;

const revisionOf = (version: string): string => version.replaceAll(".", "-");

const namespaceNames = ["cart", "catalog", "checkout", "mail", "orders", "payment", "search", "users"] as const;

/** Namespaces of a cluster by revision, whose label is in Git. */
export const namespacesInGit: readonly string[] = namespaceNames;

/** Files of one cluster whose control plane is installed by revision, with the tags stable and canary. */
export function revisionedFiles(cluster: string, version: string): Readonly<Record<string, string>> {
  const files = clusterFiles(cluster, version);
  const folder = `istio/${cluster}`;
  const revision = revisionOf(version);
  const istiod = release(`istiod-${revision}`, "istiod", version, "istio-base", "istio-system");
  const namespaces = namespaceNames.map(
    (name) => `apiVersion: v1
kind: Namespace
metadata:
  name: ${name}
  labels:
    istio.io/rev: stable
`,
  );
  const { [`${folder}/istiod.yaml`]: _inPlace, ...rest } = files;
  return {
    ...rest,
    [`${folder}/base.yaml`]: `${release("istio-base", "base", version, undefined, "istio-system")}    defaultRevision: "${revision}"
`,
    [`${folder}/istiod-${revision}.yaml`]: `${istiod}    revision: "${revision}"
    revisionTags:
      - stable
      - canary
`,
    [`${folder}/gateway.yaml`]: `${release("ingress", "gateway", version, `istiod-${revision}`, "istio-ingress")}    revision: stable
`,
    [`${folder}/namespaces.yaml`]: namespaces.join("---\n"),
  };
}

/** Files of one cluster at a version of Istio. */
export function clusterFiles(cluster: string, version: string): Readonly<Record<string, string>> {
  // Beside what the cluster's own Kustomization reads, or Flux would apply it twice.
  const folder = `istio/${cluster}`;
  return {
    [`${folderOf(cluster)}/istio.yaml`]: `apiVersion: kustomize.toolkit.fluxcd.io/v1
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
---
apiVersion: v1
kind: Namespace
metadata:
  name: istio-ingress
`,
    [`${folder}/base.yaml`]: release("istio-base", "base", version, undefined, "istio-system"),
    [`${folder}/istiod.yaml`]: release("istiod", "istiod", version, "istio-base", "istio-system"),
    [`${folder}/gateway.yaml`]: release("ingress", "gateway", version, "istiod", "istio-ingress"),
  };
}

/** The same releases, which do not say what they wait for. */
export function withoutOrder(files: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(files).map(([path, text]) => [path, text.replace(/ {2}dependsOn:\n(?: {4}.*\n)+/g, "")]),
  );
}
