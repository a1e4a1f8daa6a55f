/** Istio configuration with known faults, for what istioctl says of it. */
import type { Manifest } from "./control-plane.ts";

const networking = "networking.istio.io/v1";

export const faultyMesh: readonly Manifest[] = [
  { apiVersion: "v1", kind: "Namespace", metadata: { name: "istio-system" } },
  {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "shop", labels: { "istio-injection": "enabled", "istio.io/rev": "1-30-5" } },
  },
  {
    apiVersion: networking,
    kind: "VirtualService",
    metadata: { name: "cart", namespace: "shop" },
    spec: {
      hosts: ["cart.example.com"],
      gateways: ["nowhere"],
      http: [{ route: [{ destination: { host: "cart-that-is-not-there" } }] }],
    },
  },
  {
    apiVersion: networking,
    kind: "Gateway",
    metadata: { name: "front", namespace: "shop" },
    spec: {
      selector: { istio: "no-such-gateway" },
      servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
    },
  },
];

/** Gateway API too old for Istio: a warning of precheck. */
export const oldGatewayApi: Manifest = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: {
    name: "gateways.gateway.networking.k8s.io",
    annotations: { "api-approved.kubernetes.io": "unapproved, of a test" },
  },
  spec: {
    group: "gateway.networking.k8s.io",
    scope: "Namespaced",
    names: { kind: "Gateway", listKind: "GatewayList", plural: "gateways", singular: "gateway" },
    versions: [
      {
        name: "v1alpha2",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
};
