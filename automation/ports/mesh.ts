/** A service mesh as guard sees it: what may follow what, who may lag behind whom, and how its versions are read. Pure. */
import type { KubernetesObject } from "./kubernetes-api.ts";

/** in-place: one control plane is replaced. revision: a new one stands beside the old until nothing uses that. */
export type MeshStrategy = "in-place" | "revision";

export interface MeshComponent {
  /** As evidence and plans name it. */
  readonly name: string;
  readonly what: "crds" | "control-plane" | "node" | "gateway";
  /** Charts that install it. */
  readonly charts: readonly string[];
}

export interface MeshHopRequest {
  /** Whole versions as `readVersion` gives them. */
  readonly from: string;
  readonly to: string;
  /** The cluster's minor, `1.33`. */
  readonly kubernetes: string;
  readonly strategy: MeshStrategy;
  /** The proxy of a node serves its pods (Istio's ambient mode); default false. */
  readonly nodeProxies?: boolean;
}

export type MeshStep =
  | {
      readonly kind: "mesh";
      readonly from: string;
      readonly to: string;
      /** The cluster's minor while the hop is made. */
      readonly kubernetes: string;
    }
  | { readonly kind: "kubernetes"; readonly from: string; readonly to: string; readonly why: string };

export type MeshRoute =
  | {
      readonly kind: "route";
      /** None: there is nothing to do. */
      readonly steps: readonly MeshStep[];
      /** The cluster is outside its present mesh's window before anything is done. */
      readonly startsOutside: boolean;
    }
  | {
      readonly kind: "none";
      readonly reason:
        | "downgrade"
        | "unknown-version"
        | "unknown-kubernetes"
        | "denied"
        | "no-way"
        | "strategy"
        | "other-channel";
      readonly message: string;
      readonly fix: string;
    };

export type MeshSkew = { readonly ok: true } | { readonly ok: false; readonly why: string };

/** What a command of the mesh's own said of one check. */
export interface MeshFinding {
  readonly level: "error" | "warning" | "info";
  /** Its code or its category. */
  readonly check: string;
  readonly subject: string;
  readonly message: string;
  readonly link?: string;
}

export type MeshReading =
  | { readonly kind: "findings"; readonly findings: readonly MeshFinding[] }
  /** Counts as not known, never as clean. */
  | { readonly kind: "unreadable"; readonly why: string };

export interface MeshPrecheck {
  readonly program: string;
  /** Before an upgrade of what is installed; the context is always named. */
  arguments(cluster: { readonly context: string; readonly kubeconfig?: string }): readonly string[];
  read(printed: { readonly exitCode: number; readonly stdout: string }): MeshReading;
}

export interface MeshVersions {
  readonly controlPlanes: readonly { readonly name: string; readonly revision: string; readonly version: string }[];
  readonly proxies: readonly { readonly workload: string; readonly revision: string; readonly version: string }[];
  /** Control planes and pods whose version cannot be told, `Kind namespace/name`. */
  readonly unread: readonly string[];
}

export interface Mesh {
  readonly name: "istio" | "linkerd";
  readonly title: string;
  readonly strategies: readonly MeshStrategy[];
  /** In the order in which they may move. Proxies follow by restarts. */
  readonly components: readonly MeshComponent[];
  /** The version in the form in which charts have it; undefined when it is no whole version of this mesh. */
  readVersion(text: string): string | undefined;
  planHops(request: MeshHopRequest): MeshRoute;
  /** Whether a control plane may serve a proxy. Versions as `readVersion` gives them, or as they were found. */
  skew(controlPlane: string, proxy: string): MeshSkew;
  readonly precheck: MeshPrecheck;
  /** From Deployments and Pods; other objects are passed over. */
  versionsIn(objects: readonly KubernetesObject[]): MeshVersions;
  /** What to say of tables that nobody compared for long; undefined while they are fresh. `at`: ms since the epoch. */
  staleness(at: number): string | undefined;
}
