import { z } from "zod";
import { known, objectMeta, stringMap } from "./metadata.ts";

const servicePort = known({
  name: z.string().optional(),
  port: z.int(),
  protocol: z.string().default("TCP"),
  targetPort: z.union([z.int(), z.string()]).optional(),
}).transform((port) => ({ ...port, targetPort: port.targetPort ?? port.port }));

export const serviceSchema = known({
  apiVersion: z.literal("v1"),
  kind: z.literal("Service"),
  metadata: objectMeta,
  spec: known({
    type: z.string().default("ClusterIP"),
    selector: stringMap.optional(),
    ports: z.array(servicePort).default([]),
    /** "None" for a headless Service; filled in by the cluster when empty. */
    clusterIP: z.string().default(""),
    clusterIPs: z.array(z.string()).optional(),
    publishNotReadyAddresses: z.boolean().default(false),
    sessionAffinity: z.string().default("None"),
    internalTrafficPolicy: z.string().default("Cluster"),
    ipFamilies: z.array(z.string()).default(["IPv4"]),
    ipFamilyPolicy: z.string().default("SingleStack"),
  }),
  status: known({ loadBalancer: known({}).default({}) }).default({ loadBalancer: {} }),
});

export type Service = z.infer<typeof serviceSchema>;

export function isHeadless(service: Service): boolean {
  return service.spec.clusterIP === "None";
}
