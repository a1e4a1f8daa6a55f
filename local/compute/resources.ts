/** JSON as Pulumi properties carry it. */
export type PropertyValue = string | number | boolean | null | PropertyValue[] | { [key: string]: PropertyValue };
export type Properties = { [key: string]: PropertyValue };

/** One resource that was declared through a provider, as the local cloud keeps it on disk. */
export interface DeclaredResource {
  readonly provider: "gcp" | "kubernetes";
  /** Pulumi type token, for example gcp:compute/uRLMap:URLMap. */
  readonly type: string;
  /** The provider's id, unique within provider, cluster and type. */
  readonly id: string;
  /** For kubernetes: the cluster's endpoint. */
  readonly cluster?: string;
  readonly inputs: Properties;
  readonly outputs: Properties;
}
