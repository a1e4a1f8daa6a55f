import { CustomResource, type CustomResourceArgs } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { Deployment, type DeploymentArgs } from "@pulumi/kubernetes/apps/v1/deployment.js";
import {
  HorizontalPodAutoscaler,
  type HorizontalPodAutoscalerArgs,
} from "@pulumi/kubernetes/autoscaling/v2/horizontalPodAutoscaler.js";
import { Namespace, type NamespaceArgs } from "@pulumi/kubernetes/core/v1/namespace.js";
import { Service, type ServiceArgs } from "@pulumi/kubernetes/core/v1/service.js";
import { ServiceAccount, type ServiceAccountArgs } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import { NetworkPolicy, type NetworkPolicyArgs } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import { PodDisruptionBudget, type PodDisruptionBudgetArgs } from "@pulumi/kubernetes/policy/v1/podDisruptionBudget.js";
import type { ComponentResourceOptions, Input, Output, Resource } from "@pulumi/pulumi";
import { platformName } from "../shared/naming.ts";
import type { SecretReferences } from "../shared/secrets.ts";
import { SwitchyardComponent, type Transform } from "../shared/switchyard-component.ts";
import { agentPodLabels } from "./agent-constants.ts";
import { agentPod } from "./agent-pod.ts";
import { agentNetworkPolicySpec } from "./network-rules.ts";
import { secretClass } from "./secret-class.ts";
import type { GkeSettings } from "./settings.ts";

export interface AgentWorkloadArgs extends GkeSettings {
  /** First part of the endpoint groups' name. */
  readonly prefix: string;
  /** Namespace and names of the objects in it. A change replaces all of them. */
  readonly namespace: string;
  readonly serviceAccountName: string;
  /** Google service account that the pods act as. */
  readonly identityEmail: Input<string>;
  /** Name of the cluster, told to the agent. */
  readonly clusterName: Input<string>;
  /** Image with tag or digest. A change rolls the pods without a gap. */
  readonly image: Input<string>;
  /** Environment variables of the agent beside the ones the component sets; a change rolls the pods. */
  readonly environment: Readonly<Record<string, Input<string>>>;
  /** Variables by the version of the secret that holds their value; the agent reads them as files. A change rolls the pods. */
  readonly secrets?: SecretReferences | undefined;
  readonly transform?:
    | {
        readonly namespace?: Transform<NamespaceArgs>;
        readonly serviceAccount?: Transform<ServiceAccountArgs>;
        readonly service?: Transform<ServiceArgs>;
        readonly networkPolicy?: Transform<NetworkPolicyArgs>;
        readonly secretClass?: Transform<CustomResourceArgs>;
        readonly deployment?: Transform<DeploymentArgs>;
        readonly autoscaler?: Transform<HorizontalPodAutoscalerArgs>;
        readonly disruptionBudget?: Transform<PodDisruptionBudgetArgs>;
      }
    | undefined;
}

/**
 * The agent inside a cluster: namespace, service account, Service with a standalone endpoint group, network policy,
 * Deployment, autoscaler and disruption budget. The cluster's provider comes in through `opts.providers`.
 *
 * The Service comes first and goes last: pods get the endpoint group's readiness gate only if the group's Service is
 * there before them, and a Service deleted before its pods can leave the group behind.
 *
 * @example new AgentWorkload("agent-workload", { …settings, prefix: "kiro", image }, { providers: { kubernetes: provider } });
 */
export class AgentWorkload extends SwitchyardComponent {
  /** Name of the Deployment. */
  readonly deploymentName: Output<string>;
  /** Name of the Service. */
  readonly serviceName: Output<string>;
  /** Name of the endpoint groups, one per zone, that GKE makes some time after the Service. */
  readonly endpointGroupName: string;

  constructor(name: string, args: AgentWorkloadArgs, opts: ComponentResourceOptions) {
    super("switchyard:gke:AgentWorkload", name, opts);
    const { transform } = args;
    this.endpointGroupName = platformName(args.prefix, "gke");

    const namespace = this.child(
      Namespace,
      "namespace",
      { metadata: { name: args.namespace, labels: { "pod-security.kubernetes.io/enforce": "restricted" } } },
      { transform: transform?.namespace },
    );
    // Through the namespace's output, so that everything in it waits for it.
    const inNamespace = (objectName: string, annotations?: Record<string, Input<string>>) => ({
      name: objectName,
      namespace: namespace.metadata.name,
      ...(annotations !== undefined && { annotations }),
    });

    const serviceAccount = this.child(
      ServiceAccount,
      "service-account",
      {
        metadata: inNamespace(args.serviceAccountName, { "iam.gke.io/gcp-service-account": args.identityEmail }),
        automountServiceAccountToken: false,
      },
      { transform: transform?.serviceAccount },
    );

    const service = this.child(
      Service,
      "service",
      {
        metadata: inNamespace("agent", {
          "cloud.google.com/neg": JSON.stringify({ exposed_ports: { "80": { name: this.endpointGroupName } } }),
          // Without pods there are no endpoints yet, which is what the engine would wait for.
          "pulumi.com/skipAwait": "true",
        }),
        spec: {
          type: "ClusterIP",
          selector: agentPodLabels,
          ports: [{ name: "http", port: 80, targetPort: "http", protocol: "TCP" }],
        },
      },
      { transform: transform?.service },
    );

    const networkPolicy = this.child(
      NetworkPolicy,
      "network-policy",
      { metadata: inNamespace("agent"), spec: agentNetworkPolicySpec() },
      { transform: transform?.networkPolicy },
    );

    const secrets = this.#createSecretClass(args, inNamespace);
    const deployment = this.#createDeployment(
      args,
      { metadata: inNamespace("agent"), serviceAccountName: serviceAccount.metadata.name, secrets },
      [service, networkPolicy, ...(secrets === undefined ? [] : [secrets])],
    );

    this.child(
      HorizontalPodAutoscaler,
      "autoscaler",
      {
        metadata: inNamespace("agent"),
        spec: {
          scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: deployment.metadata.name },
          minReplicas: args.replicas,
          maxReplicas: args.maxReplicas,
          metrics: [
            {
              type: "Resource",
              resource: { name: "cpu", target: { type: "Utilization", averageUtilization: args.cpuUtilization } },
            },
          ],
        },
      },
      { transform: transform?.autoscaler },
    );

    this.child(
      PodDisruptionBudget,
      "disruption-budget",
      // One at a time, also with one replica: a budget of none would block every node upgrade.
      { metadata: inNamespace("agent"), spec: { maxUnavailable: 1, selector: { matchLabels: agentPodLabels } } },
      { transform: transform?.disruptionBudget },
    );

    this.deploymentName = deployment.metadata.name;
    this.serviceName = service.metadata.name;
    this.registerOutputs({
      deploymentName: this.deploymentName,
      serviceName: this.serviceName,
      endpointGroupName: this.endpointGroupName,
    });
  }

  /** undefined without secrets. */
  #createSecretClass(
    { secrets = {}, transform }: AgentWorkloadArgs,
    inNamespace: (name: string) => { name: string; namespace: Input<string> },
  ): CustomResource | undefined {
    if (Object.keys(secrets).length === 0) return undefined;
    const { name, ...declared } = secretClass(secrets);
    return this.child(
      CustomResource,
      "secret-class",
      { ...declared, metadata: inNamespace(name) },
      { transform: transform?.secretClass },
    );
  }

  #createDeployment(
    args: AgentWorkloadArgs,
    {
      metadata,
      serviceAccountName,
      secrets,
    }: {
      readonly metadata: { name: string; namespace: Input<string> };
      readonly serviceAccountName: Input<string>;
      readonly secrets: CustomResource | undefined;
    },
    dependsOn: Resource[],
  ): Deployment {
    const pod = agentPod({ ...args, serviceAccountName, secretClass: secrets?.metadata.name });
    return this.child(
      Deployment,
      "deployment",
      {
        metadata,
        spec: pod.asDeploymentSpec({
          replicas: args.replicas,
          progressDeadlineSeconds: 600,
          revisionHistoryLimit: 5,
          // No gap: a new pod is ready before an old one ends.
          strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: "25%" } },
        }),
      },
      {
        transform: args.transform?.deployment,
        // The autoscaler owns the count after the start; an update must not scale the agent back.
        opts: { dependsOn, ignoreChanges: ["spec.replicas"] },
      },
    );
  }
}
