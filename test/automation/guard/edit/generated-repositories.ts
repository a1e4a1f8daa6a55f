/**
 * Repositories in all shapes that versions come in, made at random: what each holds before and, byte for byte, after its move. The
 * version that moves is `@@` in the templates; the same version that stands elsewhere has to stay.
 */
import type { Texts } from "./repositories.ts";

export type Random = () => number;

/** The same numbers for the same seed (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Generated {
  readonly shape: string;
  readonly before: Texts;
  readonly after: Texts;
}

const from = "1.30.5";
const to = "1.31.1";

const variable = (inner: string): string => `\${${inner}}`;
const indented = (text: string, spaces: number): string => text.replaceAll(/^(?=.)/gm, " ".repeat(spaces));

class Maker {
  readonly #random: Random;
  constructor(random: Random) {
    this.#random = random;
  }

  one<T>(...options: readonly [T, ...T[]]): T {
    return options[Math.floor(this.#random() * options.length)] ?? options[0];
  }

  chance(share: number): boolean {
    return this.#random() < share;
  }

  maybe(text: string): string {
    return this.chance(0.4) ? text : "";
  }

  /** A version as somebody writes it. */
  version(): string {
    return this.one("@@", '"@@"', "'@@'", "@@ # pinned, was 1.30.5", '"@@"   # 1.30.5 since May', "!!str @@", '"@@"\t');
  }

  decoy(): string {
    return this.one("# 1.30.5 is fine\n", "", "\n", "# {{ not a template }}\n", "#\u00e9\u00fc 1.30.5 \u{1f600}\n");
  }

  /** Other documents of the same file. */
  others(): readonly string[] {
    const all = [
      `apiVersion: v1\nkind: Secret\nmetadata:\n    name: s\n    namespace: x\nstringData:\n    token: ENC[AES256_GCM,data:1.30.5,iv:a=,tag:b=,type:str]\nsops:\n    kms:\n    -   arn: arn:aws:kms:eu-west-1:1:key/1\n        enc: |-\n            AQIC1.30.5\n    lastmodified: "2026-01-01T00:00:00Z"\n    mac: ENC[AES256_GCM,data:x==,type:str]\n    version: 3.9.1\n`,
      `# notes\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: notes, labels: {"app/version": "1.30.5", mode: 0777}}\ndata:\n  script: |\n    #!/bin/sh\n    echo 1.30.5   \n\n  folded: >\n    istio 1.30.5\n    is here\n`,
      `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name:   spaced\ndata: {a: &a "1.30.5", b: *a,   c: [1.30.5, '1.30.5',],}\n`,
      `apiVersion: v1\nkind: Namespace\nmetadata:\n  name: istio-system\n  labels: &l\n    v: 1.30.5\n  annotations:\n    <<: *l\n`,
    ] as const;
    return all.filter(() => this.chance(0.3));
  }

  file(...documents: readonly string[]): string {
    const shuffled = [
      ...this.others().map((text) => this.decoy() + text),
      ...documents.map((text) => this.decoy() + text),
    ];
    const separator = this.one("---\n", "--- # next, 1.30.5\n", "\n---\n");
    let text = this.maybe("---\n") + shuffled.join(separator);
    if (this.chance(0.15)) text = text.replace(/\n$/, "");
    if (this.chance(0.3)) text = text.replaceAll("\n", "\r\n");
    return this.chance(0.15) ? `\uFEFF${text}` : text;
  }

  values(): string {
    const tag = this.one("tag: @@", 'tag: "@@-distroless"', "tag: '@@-debug' # not 1.30.5");
    return this.one(
      "",
      `  values:\n    global:\n      hub: docker.io/istio\n      ${tag}\n    pilot:\n      podAnnotations: {built: "for 1.30.5"}\n`,
      `  values: {global: {${tag.replace(/ #.*/, "")}, variant: x}, pilot: {replicaCount: 2}}\n`,
      `  values:\n    pilot: {tag: "@@"}\n    meshConfig:\n      # 1.30.5\n      note: |\n        1.30.5\n`,
      "  values:\n    global:\n      proxy:\n        image: docker.io/istio/proxyv2:@@\n",
    );
  }

  release(version: string, more = ""): string {
    const chart =
      /^[@'"!]/.test(version) && this.chance(0.15)
        ? `  chart: {spec: {chart: istiod, version: ${version.replace(/\s.*/, "").replace("!!str", "'@@'")}, sourceRef: {kind: HelmRepository, name: istio}}}\n`
        : `  chart:\n    spec:\n      chart: istiod\n      version: ${version}\n      sourceRef:\n        kind: HelmRepository\n        name: istio\n`;
    return `apiVersion: helm.toolkit.fluxcd.io/${this.one("v2", "v2beta2")}\nkind: HelmRelease\nmetadata:\n  name: istiod\n  namespace: istio-system\n  labels:\n    note: "1.30.5"\nspec:\n  interval: 10m\n${chart}${more}`;
  }
}

const repository =
  "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {name: istio, namespace: istio-system}\nspec:\n  url: https://blob.istio.io/istio-release/charts\n";
const flux = (spec: string) =>
  `apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: istio, namespace: flux-system}\nspec:\n  path: ./istio\n  sourceRef: {kind: GitRepository, name: flux-system}\n${spec}`;
const operations = (version: string) => `- op: replace\n  path: /spec/chart/spec/version\n  value: ${version}\n`;
const strategic = (version: string) =>
  `apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata:\n  name: istiod\n  namespace: istio-system\nspec:\n  chart:\n    spec:\n      version: ${version}\n`;
const application = (spec: string, name = "istiod") =>
  `apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: ${name}\n  namespace: argocd\nspec:\n  destination: {namespace: istio-system, server: https://kubernetes.default.svc}\n${spec}`;
const gateway = (image: string) =>
  `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: edge, namespace: edge}\nspec:\n  template:\n    spec:\n      containers:\n      - name: web\n        image: web:1.30.5\n      - name: istio-proxy\n        image: ${image}\n`;
const map = (data: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: v\n  namespace: istio-system\ndata:\n${data}`;

type Shape = (maker: Maker) => Texts;

const overlay = (maker: Maker, patches: string, more: Texts = {}): Texts => ({
  "base/all.yaml": maker.file(repository, maker.release("1.20.0")),
  "base/kustomization.yaml": "resources: [all.yaml]\n",
  "cluster/kustomization.yaml": maker.file().includes("\r")
    ? `resources:\r\n- ../base # 1.30.5\r\n${patches.replaceAll("\n", "\r\n")}`
    : `resources:\n- ../base # 1.30.5\n${patches}`,
  ...more,
});

const shapes: Readonly<Record<string, Shape>> = {
  chart: (maker) => ({ "cluster/istio.yaml": maker.file(repository, maker.release(maker.version(), maker.values())) }),
  anchor: (maker) => ({
    "cluster/istio.yaml": maker.file(
      repository,
      maker.one(
        maker.release("&v @@", "  values:\n    global:\n      tag: *v\n    note: 1.30.5\n"),
        maker.release("*v").replace("spec:\n", "x-version: &v '@@' # the one\nspec:\n"),
      ),
    ),
  }),
  oci: (maker) => ({
    "cluster/istio.yaml": maker.file(
      `apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: i, namespace: istio-system}\nspec:\n  url: oci://ghcr.io/istio/release/charts/istiod\n  ref:\n    tag: ${maker.version()}\n`,
      `apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: istiod, namespace: istio-system}\nspec:\n  chartRef: {kind: OCIRepository, name: i}\n${maker.values()}`,
    ),
  }),
  helmChart: (maker) => ({
    "cluster/istio.yaml": maker.file(
      repository,
      `apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmChart\nmetadata: {name: i, namespace: istio-system}\nspec:\n  chart: istiod\n  version: ${maker.version()}\n  sourceRef: {kind: HelmRepository, name: istio}\n`,
      `apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: istiod, namespace: istio-system}\nspec:\n  chartRef: {kind: HelmChart, name: i}\n${maker.values()}`,
    ),
  }),
  configMap: (maker) => ({
    "cluster/istio.yaml": maker.file(
      repository,
      maker.release(maker.version(), "  valuesFrom:\n  - kind: ConfigMap\n    name: v\n"),
      map(
        maker.one(
          '  values.yaml: |\n    # 1.30.5\n    global:\n      note: for 1.30.5 only\n      tag: "@@" # here\n\n',
          "  values.yaml: |-\n    global: {tag: @@, note: '1.30.5'}\n",
          '  values.yaml: "# 1.30.5\\nglobal:\\n  tag: @@\\n  note: 1.30.5\\n"\n',
          "  values.yaml: 'global: {tag: ''@@'', note: 1.30.5}'\n",
          "  values.yaml: >-\n    {global: {note: 1.30.5,\n    tag: @@}}\n",
        ),
      ),
    ),
  }),
  generator: (maker) => ({
    "cluster/kustomization.yaml":
      "resources: [istio.yaml]\nconfigMapGenerator:\n- name: v\n  namespace: istio-system\n  files: [values.yaml]\n",
    "cluster/istio.yaml": maker.file(
      repository,
      maker.release(maker.version(), "  valuesFrom:\n  - kind: ConfigMap\n    name: v\n"),
    ),
    "cluster/values.yaml": `# 1.30.5\nglobal:\n  tag: ${maker.version()}\npilot:\n  env: {A: "1.30.5"}\n`,
  }),
  patchFile: (maker) =>
    overlay(maker, "patches:\n- path: p.yaml\n", {
      "cluster/p.yaml": maker.chance(0.5)
        ? strategic(maker.version())
        : `# 1.30.5\r\n${strategic(maker.version()).replaceAll("\n", "\r\n")}`,
    }),
  jsonPatch: (maker) =>
    overlay(maker, "patches:\n- path: p.json\n  target: {kind: HelmRelease}\n", {
      "cluster/p.json": maker.one(
        '[{"op": "replace", "path": "/spec/chart/spec/version", "value": "@@"},\n {"op": "add", "path": "/metadata/labels/n", "value": "1.30.5"}]',
        operations(maker.version()),
      ),
    }),
  inlinePatch: (maker) =>
    overlay(
      maker,
      maker.one(
        `patches:\n- target: {kind: HelmRelease, name: istiod}\n  patch: |-\n    # 1.30.5\n${indented(operations(maker.version()), 4)}`,
        `patches:\n- patch: |\n${indented(strategic(maker.version()), 4)}  target:\n    kind: HelmRelease\n`,
      ),
    ),
  variable: (maker) => ({
    "cluster/flux.yaml": maker.file(
      flux(`  postBuild:\n    substitute:\n      other: 1.30.5\n      istio_version: ${maker.version()}\n`),
    ),
    "istio/all.yaml": maker.file(
      repository,
      maker.release(maker.one(variable("istio_version"), variable("istio_version:=1.30.5"))),
    ),
  }),
  variableMap: (maker) => ({
    "cluster/flux.yaml": maker.file(
      flux("  postBuild:\n    substituteFrom:\n    - {kind: ConfigMap, name: vars}\n"),
      `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: vars, namespace: flux-system}\ndata:\n  other: 1.30.5\n  istio_version: ${maker.version()}\n`,
    ),
    "istio/all.yaml": maker.file(
      repository,
      maker.release(
        variable("istio_version"),
        `  values:\n    global:\n      tag: "${variable("istio_version")}-distroless"\n`,
      ),
    ),
  }),
  fluxPatch: (maker) => ({
    "cluster/flux.yaml": maker.file(
      flux(`  patches:\n  - target: {kind: HelmRelease}\n    patch: |\n${indented(operations(maker.version()), 6)}`),
    ),
    "istio/all.yaml": maker.file(repository, maker.release("1.20.0")),
  }),
  images: (maker) => ({
    "cluster/kustomization.yaml": `resources: [istio.yaml]\nimages: # 1.30.5\n- name: docker.io/istio/proxyv2\n${maker.maybe("  newName: registry.example.com/mesh/proxyv2\n")}  newTag: ${maker.one("@@", '"@@"', "'@@-distroless' # was 1.30.5", "v@@")}\n- {name: web, newTag: 1.30.5}\n`,
    "cluster/istio.yaml": maker.file(
      repository,
      maker.release(maker.version()),
      gateway(maker.one("docker.io/istio/proxyv2", "docker.io/istio/proxyv2:1.20.0")),
    ),
  }),
  fluxImages: (maker) => ({
    "cluster/flux.yaml": maker.file(
      flux(
        maker.one(
          "  images:\n  - name: proxyv2\n    newTag: @@ # 1.30.5\n  - name: web\n    newTag: 1.30.5\n",
          '  images: [{name: proxyv2, newTag: "@@"}]\n',
        ),
      ),
    ),
    "istio/all.yaml": maker.file(repository, maker.release(maker.version()), gateway("proxyv2:latest")),
  }),
  sail: (maker) => ({
    "cluster/istio.yaml": maker.file(
      `apiVersion: sailoperator.io/${maker.one("v1", "v1alpha1")}\nkind: Istio\nmetadata: {name: default, note: "1.30.5"}\nspec:\n  namespace: istio-system\n  version: ${maker.one("v@@", '"v@@"', "'v@@'  # v1.30.5", "v@@ # was 1.30.5")}\n${maker.one("", "  updateStrategy: {type: InPlace}\n")}${maker.values()}`,
      `apiVersion: sailoperator.io/v1\nkind: IstioCNI\nmetadata: {name: default}\nspec: {version: v@@, namespace: istio-cni}\n`,
      `apiVersion: sailoperator.io/v1\nkind: ZTunnel\nmetadata: {name: default}\nspec: {version: "v@@"}\n`,
    ),
  }),
  argoCd: (maker) => ({
    "cluster/istio.yaml": maker.file(
      application(
        `  source:\n    chart: istiod\n    repoURL: https://blob.istio.io/istio-release/charts\n    targetRevision: ${maker.version()}\n${maker.one(
          "",
          "    helm:\n      valuesObject:\n        global: {tag: '@@'}\n        note: 1.30.5\n",
          "    helm:\n      values: |\n        # 1.30.5\n        global:\n          tag: @@-distroless # here\n",
          '    helm:\n      parameters:\n      - {name: global.tag, value: "@@"}\n      - {name: note, value: 1.30.5}\n',
        )}`,
      ),
      application(
        "  sources:\n  - repoURL: https://example.com/charts\n    chart: web\n    targetRevision: 1.30.5\n  - repoURL: blob.istio.io/istio-release/charts\n    chart: gateway\n    targetRevision: @@\n",
        "edge",
      ),
    ),
  }),
  workload: (maker) => ({
    "cluster/istio.yaml": maker.file(
      repository,
      maker.release(maker.version()),
      gateway(maker.one("docker.io/istio/proxyv2:@@", '"gcr.io/istio-release/proxyv2:@@-debug" # 1.30.5')),
    ),
  }),
};

const filled = (texts: Texts, version: string): Texts =>
  Object.fromEntries(Object.entries(texts).map(([path, text]) => [path, text.replaceAll("@@", version)]));

export function generate(random: Random): Generated {
  const names = Object.keys(shapes);
  const shape = names[Math.floor(random() * names.length)] ?? "chart";
  const template = shapes[shape]?.(new Maker(random)) ?? {};
  return { shape, before: filled(template, from), after: filled(template, to) };
}
