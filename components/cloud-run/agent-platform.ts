import { Service, type ServiceArgs } from "@pulumi/gcp/cloudrunv2/service.js";
import {
  RegionNetworkEndpointGroup,
  type RegionNetworkEndpointGroupArgs,
} from "@pulumi/gcp/compute/regionNetworkEndpointGroup.js";
import { SecretIamMember } from "@pulumi/gcp/secretmanager/secretIamMember.js";
import { Account, type AccountArgs } from "@pulumi/gcp/serviceaccount/account.js";
import { type ComponentResourceOptions, type Input, interpolate, type Output } from "@pulumi/pulumi";
import { type FailBackArgs, failBackEnvironment, failBackProblems } from "../shared/fail-back.ts";
import { checkImage } from "../shared/images.ts";
import { platformName, prefixForm, prefixPattern, resourceName } from "../shared/naming.ts";
import { parseSecretVersion } from "../shared/secret-version.ts";
import { distinctSecrets, type SecretReferences, secretProblems } from "../shared/secrets.ts";
import { SwitchyardComponent, type Transform } from "../shared/switchyard-component.ts";
import { checkPattern, type Problem, rejectProblems } from "../shared/validation.ts";
import { type CloudRunSettings, cloudRunRanges, cloudRunSettingProblems, needsFirstGeneration } from "./settings.ts";

export interface AgentPlatformArgs {
  /** First part of every name, 1-20 lower-case letters, digits and hyphens. A change replaces everything. */
  readonly prefix: string;
  /** Project and region. A change replaces everything. */
  readonly project: string;
  readonly region: string;
  /** The agent's image with tag or digest. A change makes a revision. */
  readonly image: Input<string>;
  /** vCPU per instance. Default "1"; 80m-1, 2, 4, 6, 8. A change makes a revision. */
  readonly cpu?: string;
  /** Memory per instance. Default "1Gi"; 512 MiB-32 GiB, bound to `cpu`. A change makes a revision. */
  readonly memory?: string;
  /** Requests that one instance serves at a time. Default 80, 1-1000; 1 below one vCPU. A change makes a revision. */
  readonly concurrency?: number;
  /** Instances kept ready, on the service, so that a change makes no revision. Default 1, 0-1000. */
  readonly minInstances?: number;
  /** Instances at most, per revision. Default 100, 1-1000. A change makes a revision. */
  readonly maxInstances?: number;
  /** Longest request, cold start included, in seconds. Default 300, 1-3600. A change makes a revision. */
  readonly requestTimeoutSeconds?: number;
  /** CPU only while a request is served (request-based billing). Default true. A change makes a revision. */
  readonly cpuIdle?: boolean;
  /** Refuse to delete the service until this is false and applied. Default true, as the provider's own. */
  readonly deletionProtection?: boolean;
  /** Lets instances hand requests back to another platform when told to. Default none: never. A change makes a revision. */
  readonly failBack?: FailBackArgs | undefined;
  /** Further environment variables of the agent. A change makes a revision. */
  readonly environment?: Readonly<Record<string, Input<string>>>;
  /**
   * Variables whose values are secrets: `projects/P/secrets/S/versions/V` each. The instances' account may read them, and only
   * the names are in the state. A change makes a revision.
   */
  readonly secrets?: SecretReferences;
  /** The way to reach what the args do not offer, by resource. */
  readonly transform?: {
    readonly account?: Transform<AccountArgs>;
    readonly service?: Transform<ServiceArgs>;
    readonly endpointGroup?: Transform<RegionNetworkEndpointGroupArgs>;
  };
}

/**
 * The agent on Cloud Run: a service that only the balancer reaches, under an account of its own, and the serverless
 * endpoint group `<prefix>-cloud-run` that the `traffic` program attaches.
 *
 * Anyone may call through the balancer (no token): ingress and the disabled default address keep the rest out.
 *
 * @example
 * const platform = new AgentPlatform("agent", { prefix: "kiro", project: "my-project", region: "us-central1", image });
 * export const group = platform.endpointGroupName;
 */
export class AgentPlatform extends SwitchyardComponent {
  /** Name of the service. */
  readonly serviceName: Output<string>;
  /** Address of the service; answers only inside the project's network and to the balancer. */
  readonly uri: Output<string>;
  /** Newest revision that became ready. */
  readonly latestReadyRevision: Output<string>;
  /** Name of the serverless endpoint group. */
  readonly endpointGroupName: Output<string>;
  /** E-mail of the account that the instances run as. */
  readonly identityEmail: Output<string>;

  constructor(name: string, args: AgentPlatformArgs, opts: ComponentResourceOptions = {}) {
    const settings = withDefaults(args);
    rejectProblems(`switchyard:cloudrun:AgentPlatform ${name}`, argProblems(args, settings));
    super("switchyard:cloudrun:AgentPlatform", name, opts);
    const { prefix, project, region, transform } = args;

    const account = this.child(
      Account,
      "account",
      {
        accountId: resourceName("serviceAccount", prefix, "cloud-run", "sa"),
        project,
        displayName: `Agent ${prefix} on Cloud Run`,
      },
      { transform: transform?.account },
    );

    const readers = distinctSecrets(args.secrets ?? {}).map(({ project: owner, secret }) =>
      this.child(SecretIamMember, `secret-${secret}`, {
        project: owner,
        secretId: secret,
        role: "roles/secretmanager.secretAccessor",
        member: interpolate`serviceAccount:${account.email}`,
      }),
    );
    const service = this.child(Service, "service", serviceArgs(args, settings, account.email), {
      transform: transform?.service,
      // A revision that may not read its secrets does not start.
      opts: { dependsOn: readers },
    });

    const endpointGroup = this.child(
      RegionNetworkEndpointGroup,
      "endpoint-group",
      {
        name: platformName(prefix, "cloud-run"),
        project,
        region,
        networkEndpointType: "SERVERLESS",
        cloudRun: { service: service.name },
      },
      { transform: transform?.endpointGroup },
    );

    this.serviceName = service.name;
    this.uri = service.uri;
    this.latestReadyRevision = service.latestReadyRevision;
    this.endpointGroupName = endpointGroup.name;
    this.identityEmail = account.email;
    this.registerOutputs({
      serviceName: this.serviceName,
      uri: this.uri,
      latestReadyRevision: this.latestReadyRevision,
      endpointGroupName: this.endpointGroupName,
      identityEmail: this.identityEmail,
    });
  }
}

function serviceArgs(args: AgentPlatformArgs, settings: CloudRunSettings, account: Input<string>): ServiceArgs {
  return {
    name: resourceName("cloudRunService", args.prefix, "agent"),
    project: args.project,
    location: args.region,
    ingress: "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER",
    invokerIamDisabled: true,
    defaultUriDisabled: true,
    deletionProtection: args.deletionProtection ?? true,
    // On the service: no new revision, and not once more for every tagged revision.
    scaling: { minInstanceCount: settings.minInstances },
    traffics: [{ type: "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", percent: 100 }],
    template: {
      serviceAccount: account,
      timeout: `${settings.requestTimeoutSeconds}s`,
      maxInstanceRequestConcurrency: settings.concurrency,
      // The second generation keeps its 10 s between SIGTERM and SIGKILL whatever the process does.
      executionEnvironment: needsFirstGeneration(settings.cpu)
        ? "EXECUTION_ENVIRONMENT_GEN1"
        : "EXECUTION_ENVIRONMENT_GEN2",
      scaling: { maxInstanceCount: settings.maxInstances },
      containers: [
        {
          image: args.image,
          ports: { name: "http1", containerPort: 8080 },
          envs: [
            { name: "KIRO_PLATFORM", value: "cloud-run" },
            ...Object.entries({ ...failBackEnvironment(args.failBack), ...args.environment }).map(([name, value]) => ({
              name,
              value,
            })),
            ...Object.entries(args.secrets ?? {}).map(([name, reference]) => ({
              name,
              valueSource: sourceOf(reference),
            })),
          ],
          resources: {
            limits: { cpu: settings.cpu, memory: settings.memory },
            // Given with limits, or the provider loses its default.
            cpuIdle: settings.cpuIdle,
            startupCpuBoost: true,
          },
          // Not on /healthz: Cloud Run's front end keeps that path for itself. 240 s is the longest start allowed.
          startupProbe: { httpGet: { path: "/ready" }, periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 240 },
          livenessProbe: { httpGet: { path: "/health" }, periodSeconds: 10, timeoutSeconds: 1, failureThreshold: 3 },
        },
      ],
    },
  };
}

function sourceOf(reference: string) {
  const { project, secret, version } = parseSecretVersion(reference) ?? { project: "", secret: "", version: "" };
  return { secretKeyRef: { secret: `projects/${project}/secrets/${secret}`, version } };
}

function withDefaults(args: AgentPlatformArgs): CloudRunSettings {
  const minInstances = args.minInstances ?? cloudRunRanges.minInstances.default;
  return {
    cpu: args.cpu ?? "1",
    memory: args.memory ?? "1Gi",
    concurrency: args.concurrency ?? cloudRunRanges.concurrency.default,
    minInstances,
    maxInstances: args.maxInstances ?? Math.max(minInstances, cloudRunRanges.maxInstances.default),
    requestTimeoutSeconds: args.requestTimeoutSeconds ?? cloudRunRanges.requestTimeoutSeconds.default,
    cpuIdle: args.cpuIdle ?? true,
  };
}

function argProblems(args: AgentPlatformArgs, settings: CloudRunSettings): Problem[] {
  return [
    ...checkPattern("prefix", args.prefix, prefixPattern, prefixForm),
    ...(typeof args.image === "string" ? checkImage("image", args.image) : []),
    ...failBackProblems(args.failBack),
    ...secretProblems(args.secrets ?? {}, args.environment ?? {}),
    ...cloudRunSettingProblems(settings),
  ];
}
