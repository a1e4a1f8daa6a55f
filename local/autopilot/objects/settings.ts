import { z } from "zod";
import { known, objectMeta, stringMap } from "./metadata.ts";

/** Kinds without behaviour of their own that others refer to. */

export const namespaceSchema = known({
  apiVersion: z.literal("v1"),
  kind: z.literal("Namespace"),
  metadata: objectMeta,
  status: known({ phase: z.enum(["Active", "Terminating"]).default("Active") }).default({ phase: "Active" }),
});

export const serviceAccountSchema = known({
  apiVersion: z.literal("v1"),
  kind: z.literal("ServiceAccount"),
  metadata: objectMeta,
});

export const configMapSchema = known({
  apiVersion: z.literal("v1"),
  kind: z.literal("ConfigMap"),
  metadata: objectMeta,
  data: stringMap.optional(),
  binaryData: stringMap.optional(),
  immutable: z.boolean().optional(),
});

export const secretSchema = known({
  apiVersion: z.literal("v1"),
  kind: z.literal("Secret"),
  metadata: objectMeta,
  type: z.string().default("Opaque"),
  /** Values are base64. */
  data: stringMap.optional(),
  /** Write-only: goes into `data`. */
  stringData: stringMap.optional(),
  immutable: z.boolean().optional(),
}).transform(({ stringData, ...secret }) => {
  if (stringData === undefined) {
    return secret;
  }
  const data: Record<string, string> = { ...secret.data };
  for (const [key, value] of Object.entries(stringData)) data[key] = Buffer.from(value, "utf8").toString("base64");
  return { ...secret, data };
});

export const networkPolicySchema = known({
  apiVersion: z.literal("networking.k8s.io/v1"),
  kind: z.literal("NetworkPolicy"),
  metadata: objectMeta,
  spec: known({ policyTypes: z.array(z.string()).optional(), podSelector: known({}).default({}) }),
});

/** Of the Secret Manager add-on, which a cluster here always has. Its `secrets` are YAML. */
export const secretProviderClassSchema = known({
  apiVersion: z.literal("secrets-store.csi.x-k8s.io/v1"),
  kind: z.literal("SecretProviderClass"),
  metadata: objectMeta,
  spec: known({ provider: z.string(), parameters: stringMap.default({}) }),
});

export type Namespace = z.infer<typeof namespaceSchema>;
export type ServiceAccount = z.infer<typeof serviceAccountSchema>;
export type ConfigMap = z.infer<typeof configMapSchema>;
export type Secret = z.infer<typeof secretSchema>;
export type NetworkPolicy = z.infer<typeof networkPolicySchema>;
export type SecretProviderClass = z.infer<typeof secretProviderClassSchema>;
