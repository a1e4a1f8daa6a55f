import { BackendService, type BackendServiceArgs } from "@pulumi/gcp/compute/backendService.js";
import { Firewall, type FirewallArgs } from "@pulumi/gcp/compute/firewall.js";
import { GlobalAddress, type GlobalAddressArgs } from "@pulumi/gcp/compute/globalAddress.js";
import { GlobalForwardingRule, type GlobalForwardingRuleArgs } from "@pulumi/gcp/compute/globalForwardingRule.js";
import { HealthCheck, type HealthCheckArgs } from "@pulumi/gcp/compute/healthCheck.js";
import { TargetHttpProxy, type TargetHttpProxyArgs } from "@pulumi/gcp/compute/targetHttpProxy.js";
import { TargetHttpsProxy, type TargetHttpsProxyArgs } from "@pulumi/gcp/compute/targetHttpsProxy.js";
import { URLMap, type URLMapArgs } from "@pulumi/gcp/compute/urlmap.js";
import type { ComponentResourceOptions, Output } from "@pulumi/pulumi";
import { prefixForm, prefixPattern, resourceName, urlMapName } from "../shared/naming.ts";
import { SwitchyardComponent, type Transform } from "../shared/switchyard-component.ts";
import { checkPattern, rejectProblems } from "../shared/validation.ts";
import type { BackendPlan } from "./backends/backend-plan.ts";
import { platformBackends } from "./backends/registry.ts";
import { type DnsRecord, HostCertificates, type HostCertificatesArgs } from "./host-certificates.ts";
import { darkHost, rehearsalHost, type TrafficSettings, trafficRanges, trafficSettingProblems } from "./settings.ts";
import { engineOwnedPaths, type PlatformTarget, redirectMapArgs, urlMapArgs } from "./url-map.ts";

export interface TrafficEdgeArgs {
  /** First part of every name, 1-20 lower-case letters, digits and hyphens. A change replaces everything. */
  readonly prefix: string;
  /** Project. A change replaces everything. */
  readonly project: string;
  /** Region of the platforms. */
  readonly region: string;
  /**
   * Host of the agent; `dark.<domain>` is the host of the header-matched route, `rehearsal.<domain>` that of the route
   * that goes evenly to all platforms. A change replaces the certificates.
   */
  readonly domain: string;
  /**
   * Platforms behind the balancer, at least one of gke and cloud-run. At the map's creation the first gets all traffic.
   * A platform added later gets its backend service here, its entry in the map from the swap engine; one dropped must
   * have lost its entry before.
   */
  readonly platforms: readonly string[];
  /** Zones that have an endpoint group, by platform; one or more for gke. */
  readonly zones?: Readonly<Record<string, readonly string[]>>;
  /** Longest request, in seconds, where the balancer decides it (gke). Default 300, 1-3600. */
  readonly requestTimeoutSeconds?: number;
  /** Time for requests in flight when an endpoint leaves, in seconds (gke). Default `requestTimeoutSeconds`, 0-3600. */
  readonly drainSeconds?: number;
  /** Requests per second meant for one endpoint (gke). Default 100. A goal for spreading, no limit. */
  readonly maxRatePerEndpoint?: number;
  /** Refuse to delete the address, and so the edge, until this is false and applied. Default true. */
  readonly deletionProtection?: boolean;
  /** The way to reach what the args do not offer, by resource; functions see the child's name. */
  readonly transform?: {
    readonly address?: Transform<GlobalAddressArgs>;
    readonly certificates?: HostCertificatesArgs["transform"];
    readonly healthCheck?: Transform<HealthCheckArgs>;
    readonly firewall?: Transform<FirewallArgs>;
    readonly backendService?: Transform<BackendServiceArgs>;
    readonly urlMap?: Transform<URLMapArgs>;
    readonly redirectMap?: Transform<URLMapArgs>;
    readonly httpsProxy?: Transform<TargetHttpsProxyArgs>;
    readonly httpProxy?: Transform<TargetHttpProxyArgs>;
    readonly forwardingRule?: Transform<GlobalForwardingRuleArgs>;
  };
}

/**
 * The one way in: a global address, ports 443 and 80 (which redirects), certificates, and a URL map that spreads the
 * requests over one backend service per platform.
 *
 * The map's weights belong to the swap engine from the moment of its creation: an update of this program never
 * changes them, nor the fencing token in the map's description, whatever else it changes.
 *
 * @example
 * const edge = new TrafficEdge("edge", {
 *   prefix: "kiro", project: "my-project", region: "us-central1", domain: "agent.example.com",
 *   platforms: ["cloud-run", "gke"], zones: { gke: ["us-central1-a", "us-central1-b"] },
 * });
 * export const address = edge.address;
 */
export class TrafficEdge extends SwitchyardComponent {
  /** Name of the URL map that carries the weights. */
  readonly urlMapName: Output<string>;
  /** IPv4 address. */
  readonly address: Output<string>;
  /** Name of each platform's backend service. */
  readonly backendServices: Readonly<Record<string, Output<string>>>;
  /** Host of the header-matched route. */
  readonly darkHost: string;
  /** Host of the route that spreads evenly over all platforms, past the weights. */
  readonly rehearsalHost: string;
  /** DNS records that prove the hosts, by host. */
  readonly dnsRecords: Readonly<Record<string, Output<DnsRecord | undefined>>>;

  constructor(name: string, args: TrafficEdgeArgs, opts: ComponentResourceOptions = {}) {
    const settings = withDefaults(args);
    rejectProblems(`switchyard:traffic:TrafficEdge ${name}`, [
      ...checkPattern("prefix", args.prefix, prefixPattern, prefixForm),
      ...trafficSettingProblems(settings),
    ]);
    super("switchyard:traffic:TrafficEdge", name, opts);
    const { prefix, project, domain, transform } = args;
    this.darkHost = darkHost(domain);
    this.rehearsalHost = rehearsalHost(domain);

    const address = this.child(
      GlobalAddress,
      "address",
      { name: resourceName("compute", prefix, "edge"), project, addressType: "EXTERNAL", ipVersion: "IPV4" },
      { transform: transform?.address, opts: { protect: args.deletionProtection ?? true } },
    );

    const certificates = new HostCertificates(
      this.childName("certificates"),
      {
        prefix,
        project,
        hosts: { main: domain, dark: this.darkHost, rehearsal: this.rehearsalHost },
        transform: transform?.certificates,
      },
      { parent: this },
    );

    const targets = settings.platforms.map((platform) => ({
      platform,
      service: this.#createBackend(platform, args, settings),
    }));

    const urlMap = this.child(
      URLMap,
      "map",
      urlMapArgs({
        name: urlMapName(prefix),
        project,
        darkHost: this.darkHost,
        rehearsalHost: this.rehearsalHost,
        targets: nonEmpty(targets.map(({ platform, service }) => ({ platform, backendService: service.selfLink }))),
      }),
      { transform: transform?.urlMap, opts: { ignoreChanges: [...engineOwnedPaths] } },
    );

    this.#listen(args, address.address, urlMap.selfLink, certificates.certificateMap);

    this.urlMapName = urlMap.name;
    this.address = address.address;
    this.backendServices = Object.fromEntries(targets.map(({ platform, service }) => [platform, service.name]));
    this.dnsRecords = certificates.dnsRecords;
    this.registerOutputs({
      urlMapName: this.urlMapName,
      address: this.address,
      backendServices: this.backendServices,
      darkHost: this.darkHost,
      rehearsalHost: this.rehearsalHost,
      dnsRecords: this.dnsRecords,
    });
  }

  #createBackend(platform: string, args: TrafficEdgeArgs, settings: TrafficSettings): BackendService {
    const plan = planOf(platform, settings);
    const { transform } = args;
    if (plan.firewall !== undefined) {
      this.child(Firewall, `${platform}-firewall`, plan.firewall, { transform: transform?.firewall });
    }
    const healthCheck =
      plan.healthCheck &&
      this.child(HealthCheck, `${platform}-health`, plan.healthCheck, { transform: transform?.healthCheck });
    return this.child(
      BackendService,
      platform,
      { ...plan.backendService, ...(healthCheck && { healthChecks: healthCheck.selfLink }) },
      { transform: transform?.backendService },
    );
  }

  /** Ports 443 and 80 on the address. */
  #listen(
    args: TrafficEdgeArgs,
    ipAddress: Output<string>,
    urlMap: Output<string>,
    certificateMap: Output<string>,
  ): void {
    const { prefix, project, transform } = args;
    const httpsProxy = this.child(
      TargetHttpsProxy,
      "https-proxy",
      { name: resourceName("compute", prefix, "https"), project, urlMap, certificateMap },
      { transform: transform?.httpsProxy },
    );
    const redirect = this.child(
      URLMap,
      "redirect",
      redirectMapArgs(resourceName("compute", prefix, "redirect"), project),
      {
        transform: transform?.redirectMap,
      },
    );
    const httpProxy = this.child(
      TargetHttpProxy,
      "http-proxy",
      { name: resourceName("compute", prefix, "http"), project, urlMap: redirect.selfLink },
      { transform: transform?.httpProxy },
    );
    for (const [label, port, target] of [
      ["https", "443", httpsProxy.selfLink],
      ["http", "80", httpProxy.selfLink],
    ] as const) {
      this.child(
        GlobalForwardingRule,
        label,
        {
          name: resourceName("compute", prefix, label),
          project,
          loadBalancingScheme: "EXTERNAL_MANAGED",
          ipProtocol: "TCP",
          ipAddress,
          portRange: port,
          target,
        },
        { transform: transform?.forwardingRule },
      );
    }
  }
}

function withDefaults(args: TrafficEdgeArgs): TrafficSettings {
  const requestTimeoutSeconds = args.requestTimeoutSeconds ?? trafficRanges.requestTimeoutSeconds.default;
  return {
    prefix: args.prefix,
    project: args.project,
    region: args.region,
    domain: args.domain,
    platforms: args.platforms,
    zones: args.zones ?? {},
    requestTimeoutSeconds,
    drainSeconds: args.drainSeconds ?? requestTimeoutSeconds,
    maxRatePerEndpoint: args.maxRatePerEndpoint ?? trafficRanges.maxRatePerEndpoint.default,
  };
}

function planOf(platform: string, settings: TrafficSettings): BackendPlan {
  const backend = platformBackends.get(platform);
  if (backend === undefined) throw new RangeError(`No backend is registered for platform ${platform}.`);
  return backend.plan(settings);
}

function nonEmpty(targets: readonly PlatformTarget[]): readonly [PlatformTarget, ...PlatformTarget[]] {
  const [first, ...rest] = targets;
  if (first === undefined) throw new RangeError("A URL map needs at least one platform.");
  return [first, ...rest];
}
