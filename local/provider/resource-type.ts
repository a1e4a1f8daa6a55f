import type { Properties, PropertyValue } from "../compute/resources.ts";
import type { Cloud } from "../daemon/cloud.ts";

/** A property of the inputs that is not acceptable; `property` is a path such as template.containers[0].image. */
export interface CheckFailure {
  readonly property: string;
  readonly reason: string;
}

/** What the provider was configured with: gcp:project, gcp:region, gcp:zone, or a cluster's endpoint for kubernetes. */
export interface ProviderSettings {
  readonly project: string;
  readonly region: string;
  readonly zone: string;
  /** kubernetes only: the endpoint of the cluster that this connection's kubeconfig names. */
  readonly cluster: string | undefined;
  /** kubernetes only: where namespaced objects without a namespace go. Default: "default". */
  readonly namespace?: string;
  /** gcp only: the provider's defaultLabels together with its attribution label. The server adds them to effectiveLabels and pulumiLabels. */
  readonly labels?: Readonly<Record<string, string>>;
}

export interface OperationContext {
  readonly cloud: Cloud;
  readonly settings: ProviderSettings;
  /** Aborted by Cancel, when the client goes away and when the resource's custom timeout has passed. */
  readonly signal: AbortSignal;
}

/** A resource as an operation sees it: plain values, secrets unwrapped (the server wraps them again). */
export interface ResourceState {
  readonly id: string;
  readonly inputs: Properties;
  readonly outputs: Properties;
}

/**
 * One simulated resource type, one file each. The server does what is the same for all: schema check against the generated schema,
 * auto-naming, defaults, diff, unknowns at preview, secrets, labels, the store, read-back.
 *
 * During a preview a value that is not known yet is the string UNKNOWN of properties.ts, whatever its type will be; a string
 * that was built from one becomes unknown as a whole. So `defaults`, `validate`, `id` and `outputs` read with the functions of
 * values.ts, which answer "absent" for an unknown list or object, instead of casting.
 */
export interface ResourceType {
  /** Pulumi token, gcp:compute/uRLMap:URLMap. */
  readonly token: string;
  /** Input paths whose change replaces the resource; `*` matches any index or key, and a path covers all below it. The constant that holds it names its source. */
  readonly replaceOn: readonly string[];
  /** Paths that replace the resource because of how they change, where the change alone does not decide. */
  replaceWhen?(olds: Properties, news: Properties): readonly string[];
  /** True where the real provider must delete first because the name is taken; the server also does so when `name` is given by the user. */
  readonly deleteBeforeReplace?: boolean;
  /** Fills `property` (a path) with `<logical name>-<hex>` when it is absent, as the bridge does. */
  readonly autoName?: AutoName;
  /** Output paths that are secret although no input was. */
  readonly secretOutputs?: readonly string[];
  /**
   * Output paths that are unknown until the resource exists (for preview), unless the program gives an input of that path. All
   * others are computed at preview too. An update's preview keeps their old values.
   */
  readonly unknownAtPreview: readonly string[];
  /** A create of what is there already succeeds, as for the grants of IAM policies. Default false: it fails with the platform's text. */
  readonly createIsIdempotent?: boolean;
  /**
   * Inputs that the real provider fills in, project and region among them: only what is missing is taken from the answer,
   * objects are merged, lists are not.
   */
  defaults?(inputs: Properties, settings: ProviderSettings): Properties;
  /** Rules beyond the schema. */
  validate?(inputs: Properties): readonly CheckFailure[];
  id(inputs: Properties, settings: ProviderSettings): string;
  /** All outputs that follow from the inputs (the inputs themselves included). */
  outputs(inputs: Properties, id: string, settings: ProviderSettings): Properties;
  /**
   * Makes it real. Returns outputs that are laid over those of `outputs`, key by key. Throwing fails the operation with the message;
   * InitializationError (errors.ts) says that the resource exists but is not ready.
   */
  create?(state: ResourceState, context: OperationContext): Promise<Properties | undefined>;
  /** `previous` is what the engine holds: after a refresh, the state that was read. */
  update?(state: ResourceState, previous: ResourceState, context: OperationContext): Promise<Properties | undefined>;
  delete?(state: ResourceState, context: OperationContext): Promise<void>;
  /**
   * The live state projected on inputs and outputs; undefined when it is gone. Absent: the stored state is the live one.
   * For an import `state` has empty inputs and outputs unless the store knows the id. A refresh keeps only those of the
   * returned inputs that the program had given (lists as a whole), so returning all is right.
   */
  read?(state: ResourceState, context: OperationContext): Promise<ResourceState | undefined>;
  /** Brings it back after a restart of the daemon. */
  restore?(state: ResourceState, context: OperationContext): Promise<void>;
}

export interface AutoName {
  /** Path of the property, name or metadata.name. */
  readonly property: string;
  readonly maxLength: number;
  /** Default 7. */
  readonly hexDigits?: number;
  /** Kubernetes: the annotation that marks an object as named by Pulumi. Default: the input `__defaults` lists the property. */
  readonly annotation?: string;
}

/** A function of a provider, gcp:compute/getNetworkEndpointGroup:getNetworkEndpointGroup. */
export interface InvokeFunction {
  readonly token: string;
  invoke(
    args: Properties,
    context: OperationContext,
  ): Promise<{ readonly result: Properties } | { readonly failures: readonly CheckFailure[] }>;
}

export type { Properties, PropertyValue };
