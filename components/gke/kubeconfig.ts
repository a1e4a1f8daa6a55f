export interface ClusterAccess {
  readonly name: string;
  /** Host name or address of the control plane, with or without https://. */
  readonly endpoint: string;
  /** The control plane's CA, PEM in base64. */
  readonly caCertificate: string;
}

/**
 * A kubeconfig (JSON, which is YAML) that holds no credential: gke-gcloud-auth-plugin, part of the Google Cloud CLI,
 * gets a token at each use. @see https://cloud.google.com/kubernetes-engine/docs/how-to/cluster-access-for-kubectl
 */
export function kubeconfig(access: ClusterAccess): string {
  const server = /^https?:\/\//.test(access.endpoint) ? access.endpoint : `https://${access.endpoint}`;
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": access.name,
    preferences: {},
    clusters: [{ name: access.name, cluster: { server, "certificate-authority-data": access.caCertificate } }],
    contexts: [{ name: access.name, context: { cluster: access.name, user: access.name } }],
    users: [
      {
        name: access.name,
        user: {
          exec: {
            apiVersion: "client.authentication.k8s.io/v1",
            command: "gke-gcloud-auth-plugin",
            // The same identity as the Google provider's, not whoever gcloud is logged in as.
            args: ["--use_application_default_credentials"],
            installHint:
              "Install gke-gcloud-auth-plugin: https://cloud.google.com/kubernetes-engine/docs/how-to/cluster-access-for-kubectl",
            provideClusterInfo: true,
            interactiveMode: "Never",
          },
        },
      },
    ],
  });
}
