import type { Properties } from "./resources.ts";

/** A URL map in the shape of Google's REST API v1 (compute#urlMap). */
export type UrlMap = Properties & { name: string; fingerprint: string };

/** Thrown by updates that quote a fingerprint of the past: HTTP 412, conditionNotMet. Nothing was changed. */
export class FingerprintConflictError extends Error {
  readonly status = 412;
  readonly reason = "conditionNotMet";
  constructor() {
    super("Invalid fingerprint.");
    this.name = "FingerprintConflictError";
  }
}

/** A global forwarding rule as the data plane needs it. */
export interface ForwardingRule {
  /** projects/P/global/forwardingRules/NAME */
  readonly path: string;
  readonly project: string;
  /** What the listener stands for: https for the rule of port 443, although it takes clear text on loopback. */
  readonly scheme: "http" | "https";
  /** The target proxy's link. */
  readonly target: string;
}

/** A listener on loopback, by the name of its forwarding rule. */
export interface Listener {
  readonly name: string;
  /** http://127.0.0.1:PORT */
  readonly url: string;
  readonly port: number;
}

/** What a listener's forwarding rule leads to. */
export interface ListenerRouting {
  readonly project: string;
  readonly scheme: "http" | "https";
  /** Names; empty where the rule's target is gone. */
  readonly targetProxy: string;
  readonly urlMap: string;
}

/** A zonal network endpoint group (GCE_VM_IP_PORT) of a cluster's NEG controller. */
export interface ZonalEndpointGroup {
  readonly project: string;
  readonly zone: string;
  readonly name: string;
  readonly size: number;
}

/** Google Compute's load-balancing side: URL maps with fingerprints, and everything that turns resources into routes. */
export interface Compute {
  readonly urlMaps: {
    get(project: string, name: string): UrlMap | undefined;
    /** All of a project, in order of creation. */
    list(project: string): readonly { readonly map: UrlMap }[];
    /** Errors: GoogleError 400, 404, 409. */
    insert(project: string, urlMap: Properties): Promise<UrlMap>;
    /** Fields given are merged (JSON Merge Patch; lists are replaced). Errors: FingerprintConflictError, also for no fingerprint; GoogleError. */
    patch(project: string, name: string, fields: Properties, fingerprint: string | undefined): Promise<UrlMap>;
    /** The whole map is replaced (PUT). Errors: FingerprintConflictError, also for no fingerprint; GoogleError. */
    update(project: string, name: string, urlMap: Properties, fingerprint: string | undefined): Promise<UrlMap>;
    /** Does nothing when there is none. Errors: GoogleError 400 while a proxy uses it. */
    delete(project: string, name: string): Promise<void>;
  };
  readonly listeners: {
    /** Opens the rule's listener, or gives the open one its new target. Errors: PortInUseError. */
    open(rule: ForwardingRule): Promise<Listener>;
    /** Requests in flight end. */
    close(rulePath: string): Promise<void>;
    list(): readonly Listener[];
  };
  /** Of a listener that is open; undefined for others. */
  routing(listener: string): ListenerRouting | undefined;
  /** Percent per platform of the weighted default routes, as the data plane applies them now; of one listener or of all. */
  weights(listener?: string): Readonly<Record<string, number>>;
  /** All zonal groups of a project. */
  endpointGroups(project: string): readonly ZonalEndpointGroup[];
  /** The path of a resource that uses the one of that path: it cannot be deleted. */
  userOf(path: string): string | undefined;
  /** Closes listeners and ends health checks. */
  close(): Promise<void>;
}
