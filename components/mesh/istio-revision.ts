import { MutatingWebhookConfiguration } from "@pulumi/kubernetes/admissionregistration/v1/mutatingWebhookConfiguration.js";
import { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import { Release } from "@pulumi/kubernetes/helm/v3/release.js";
import type { ComponentResourceOptions, Input, Output, Resource } from "@pulumi/pulumi";
import { SwitchyardComponent } from "../shared/switchyard-component.ts";
import { rejectProblems } from "../shared/validation.ts";
import { compareVersions, defaultCharts, defaultHub } from "./charts.ts";
import { type ChartValues, type IstioMeshArgs, revisionTargets, settingProblems } from "./istio-settings.ts";
import { filledByIstiod, revisionTag } from "./revision-tag.ts";

/**
 * Istio by revision: a control plane for each entry, beside the others; tags as objects of their own, so that one move of a tag is one change.
 * base comes first, then istiod, istio-cni, ztunnel and gateways; they go in the other order. The cluster's provider comes in through
 * `opts.providers`.
 *
 * @example
 * const mesh = new IstioMesh("mesh", {
 *   revisions: [{ version: "1.30.5" }, { version: "1.31.1" }], defaultRevision: "1-30-5",
 *   tags: { stable: "1-30-5", canary: "1-31-1" }, gateways: [{ name: "ingress", revision: "stable" }],
 * }, { providers: { kubernetes: provider } });
 */
export class IstioMesh extends SwitchyardComponent {
  /** Namespace of the control planes. */
  readonly namespace: Output<string>;
  /** Version by revision. */
  readonly revisions: Readonly<Record<string, string>>;
  /** Revision by tag. */
  readonly tags: Readonly<Record<string, string>>;

  constructor(name: string, args: IstioMeshArgs, opts: ComponentResourceOptions = {}) {
    rejectProblems(`switchyard:mesh:IstioMesh ${name}`, settingProblems(args));
    super("switchyard:mesh:IstioMesh", name, opts);
    const { charts = defaultCharts, hub = defaultHub, namespace = "istio-system", tags = {}, transform } = args;
    const targets = revisionTargets(args);
    const newest = [...targets.values()].toSorted(compareVersions).at(-1) ?? "";

    const space = this.child(
      Namespace,
      "namespace",
      { metadata: { name: namespace } },
      { transform: transform?.namespace },
    );
    /** One release of one chart, after others. */
    const release = (
      suffix: string,
      chart: string,
      what: {
        readonly release: string;
        readonly version: string;
        readonly values: ChartValues;
        readonly namespace?: Input<string>;
      },
      dependsOn: readonly Resource[],
    ): Release =>
      this.child(
        Release,
        suffix,
        {
          name: what.release,
          namespace: what.namespace ?? space.metadata.name,
          version: what.version,
          ...(charts.startsWith("oci://")
            ? { chart: `${charts.replace(/\/+$/, "")}/${chart}` }
            : { chart, repositoryOpts: { repo: charts } }),
          values: what.values,
        },
        { transform: transform?.release, opts: { dependsOn: [...dependsOn] } },
      );

    const base = release(
      "base",
      "base",
      {
        release: "istio-base",
        version: args.baseVersion ?? newest,
        values: { defaultRevision: args.defaultRevision, global: { istioNamespace: namespace } },
      },
      [],
    );
    const ambient = args.ztunnel !== undefined;
    const planes = new Map(
      args.revisions.map(({ version, name: own, values = {} }) => {
        const revision = own ?? version.replaceAll(".", "-");
        const settings = {
          ...(ambient ? { profile: "ambient" } : {}),
          ...values,
          revision,
          // Tags of a release would be its own, and another release could not take them over.
          revisionTags: [],
          global: { ...globalOf(values), hub, istioNamespace: namespace },
        };
        const istiod = { release: `istiod-${revision}`, version, values: settings };
        return [revision, release(`istiod-${revision}`, "istiod", istiod, [base])] as const;
      }),
    );
    const istiods = [...planes.values()];

    const tagged = Object.entries(tags).map(([tag, revision]) =>
      this.child(
        MutatingWebhookConfiguration,
        `tag-${tag}`,
        revisionTag(tag, { revision, service: `istiod-${revision}`, namespace }),
        {
          transform: transform?.tag,
          opts: { dependsOn: istiods, ignoreChanges: [filledByIstiod] },
        },
      ),
    );

    const node = (chart: "cni" | "ztunnel", after: readonly Resource[]): Release[] => {
      const { version, values = {} } = args[chart] ?? {};
      if (version === undefined) return [];
      const settings = {
        ...(chart === "cni" && ambient ? { profile: "ambient" } : {}),
        ...values,
        revision: args.defaultRevision,
        ...(chart === "cni" ? { global: { ...globalOf(values), hub } } : { hub, istioNamespace: namespace }),
      };
      const installed = { release: chart === "cni" ? "istio-cni" : "ztunnel", version, values: settings };
      return [release(chart, chart, installed, after)];
    };
    const cni = node("cni", istiods);
    const ztunnel = node("ztunnel", [...istiods, ...cni]);

    for (const gateway of args.gateways ?? []) {
      const { revision, values = {} } = gateway;
      const version = gateway.version ?? targets.get(tags[revision] ?? revision) ?? newest;
      const installed = {
        release: gateway.name,
        version,
        values: { ...values, revision },
        ...(gateway.namespace === undefined ? {} : { namespace: gateway.namespace }),
      };
      release(`gateway-${gateway.name}`, "gateway", installed, [...istiods, ...tagged, ...cni, ...ztunnel]);
    }

    this.namespace = space.metadata.name;
    this.revisions = Object.fromEntries(targets);
    this.tags = { ...tags };
    this.registerOutputs({ namespace: this.namespace, revisions: this.revisions, tags: this.tags });
  }
}

function globalOf({ global }: ChartValues): ChartValues {
  return typeof global === "object" && global !== null ? { ...global } : {};
}
