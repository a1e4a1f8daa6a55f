import { Certificate, type CertificateArgs } from "@pulumi/gcp/certificatemanager/certificate.js";
import { CertificateMap, type CertificateMapArgs } from "@pulumi/gcp/certificatemanager/certificateMap.js";
import {
  CertificateMapEntry,
  type CertificateMapEntryArgs,
} from "@pulumi/gcp/certificatemanager/certificateMapEntry.js";
import { DnsAuthorization, type DnsAuthorizationArgs } from "@pulumi/gcp/certificatemanager/dnsAuthorization.js";
import { type ComponentResourceOptions, interpolate, type Output } from "@pulumi/pulumi";
import { resourceName } from "../shared/naming.ts";
import { SwitchyardComponent, type Transform } from "../shared/switchyard-component.ts";

/** A DNS record that the domain's owner has to make before the certificate is issued. */
export interface DnsRecord {
  readonly name: string;
  readonly type: string;
  readonly data: string;
}

export interface HostCertificatesArgs {
  /** First part of every name. A change replaces everything. */
  readonly prefix: string;
  /** Project. A change replaces everything. */
  readonly project: string;
  /** Hosts by a short label that names the resources (for example main, dark). A change of a host replaces its parts. */
  readonly hosts: Readonly<Record<string, string>>;
  readonly transform?:
    | {
        readonly authorization?: Transform<DnsAuthorizationArgs>;
        readonly certificate?: Transform<CertificateArgs>;
        readonly map?: Transform<CertificateMapArgs>;
        readonly entry?: Transform<CertificateMapEntryArgs>;
      }
    | undefined;
}

/**
 * Google-managed certificates for some hosts, proven by DNS, so that they are issued before any traffic arrives, in a
 * certificate map for the balancer. One certificate per host: a host whose proof is late holds up no other.
 *
 * @example new HostCertificates("edge-certificates", { prefix, project, hosts: { main: "agent.example.com", dark: "dark.agent.example.com" } });
 */
export class HostCertificates extends SwitchyardComponent {
  /** The map as a TargetHttpsProxy takes it. */
  readonly certificateMap: Output<string>;
  /** Records to make at the domain's DNS, by host. */
  readonly dnsRecords: Readonly<Record<string, Output<DnsRecord | undefined>>>;

  constructor(name: string, args: HostCertificatesArgs, opts: ComponentResourceOptions = {}) {
    super("switchyard:traffic:HostCertificates", name, opts);
    const { prefix, project, transform } = args;

    const map = this.child(
      CertificateMap,
      "map",
      { name: resourceName("certificate", prefix, "edge"), project },
      { transform: transform?.map },
    );

    const records: Record<string, Output<DnsRecord | undefined>> = {};
    for (const [label, host] of Object.entries(args.hosts)) {
      records[host] = this.#certify(label, host, map, args);
    }

    this.certificateMap = interpolate`//certificatemanager.googleapis.com/${map.id}`;
    this.dnsRecords = records;
    this.registerOutputs({ certificateMap: this.certificateMap, dnsRecords: this.dnsRecords });
  }

  #certify(
    label: string,
    host: string,
    map: CertificateMap,
    args: HostCertificatesArgs,
  ): Output<DnsRecord | undefined> {
    const { prefix, project, transform } = args;
    const authorization = this.child(
      DnsAuthorization,
      `${label}-authorization`,
      { name: resourceName("certificate", prefix, hostLabel(host)), project, domain: host },
      { transform: transform?.authorization },
    );
    const certificate = this.child(
      Certificate,
      `${label}-certificate`,
      {
        name: resourceName("certificate", prefix, hostLabel(host)),
        project,
        managed: { domains: [host], dnsAuthorizations: [authorization.id] },
      },
      { transform: transform?.certificate },
    );
    this.child(
      CertificateMapEntry,
      `${label}-entry`,
      {
        name: resourceName("certificate", prefix, hostLabel(host)),
        project,
        map: map.name,
        hostname: host,
        certificates: [certificate.id],
      },
      { transform: transform?.entry },
    );
    return authorization.dnsResourceRecords.apply(([record]) =>
      record?.name === undefined || record.type === undefined || record.data === undefined
        ? undefined
        : { name: record.name, type: record.type, data: record.data },
    );
  }
}

/**
 * The host as a name. It is part of every name here, so that another host's parts can be made while the old ones are
 * still in use: under one name the old ones would have to go first, and the API refuses that.
 */
function hostLabel(host: string): string {
  return host.replaceAll(".", "-");
}
