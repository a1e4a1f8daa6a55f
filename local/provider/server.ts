import type { Cloud } from "../daemon/cloud.ts";
import type { InvokeFunction, ResourceType } from "./resource-type.ts";
import type { ProviderSchema } from "./schema.ts";

export interface ProviderOptions {
  readonly name: "gcp" | "kubernetes";
  /** What GetPluginInfo answers: at least the SDK's version, else every run warns. */
  readonly version: string;
  readonly types: readonly ResourceType[];
  readonly functions: readonly InvokeFunction[];
  readonly schema: ProviderSchema;
  readonly cloud: Cloud;
  /** For what neither the program nor its stack configures. */
  readonly defaults: { readonly project: string; readonly region: string; readonly zone: string };
}

export interface ProviderServer {
  /** On 127.0.0.1; the value for PULUMI_DEBUG_PROVIDERS. */
  readonly port: number;
  /** Aborts what runs and closes all connections. */
  close(): Promise<void>;
}
