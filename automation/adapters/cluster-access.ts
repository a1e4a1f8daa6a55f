/** How a cluster's API is entered: what a kubeconfig and EKS have in common. */
import { SwitchyardError } from "../errors.ts";
import { isConfidential } from "./loopback.ts";

export interface ClusterAccess {
  /** https://HOST[:PORT][/PATH] */
  readonly server: string;
  /** Certificates that the server's must come from, PEM; undefined: those that the system trusts. */
  readonly authority?: string | undefined;
  /** Name in the server's certificate where it is another than the address's. */
  readonly serverName?: string | undefined;
  /** The server's certificate is not checked; only on this machine. */
  readonly unverified?: boolean | undefined;
  readonly token?: string | undefined;
  readonly login?: { readonly username: string; readonly password: string } | undefined;
  /** Of the client, PEM. */
  readonly certificate?: { readonly certificate: string; readonly key: string } | undefined;
  readonly impersonate?: string | undefined;
  /** http://HOST:PORT */
  readonly proxy?: string | undefined;
}

export interface ClusterConnection {
  /** `EKS cluster prod-1 in eu-west-1`; without a secret. */
  readonly description: string;
  /** With credentials that are valid for some minutes yet. Errors: cluster-unreachable, cluster-refused, credentials-over-http. */
  access(signal?: AbortSignal): Promise<ClusterAccess>;
  /** After the server refused them: the next `access` gets new ones. */
  forget(): void;
}

/** What must never be printed. */
export function secretsOfAccess({ token, login, certificate }: ClusterAccess): readonly string[] {
  return [
    ...(token === undefined ? [] : [token]),
    ...(login === undefined ? [] : [login.password, `${login.username}:${login.password}`]),
    ...(certificate === undefined ? [] : [certificate.key]),
  ];
}

/** Errors: cluster-unreachable (no address), credentials-over-http. */
export function assertConfidentialServer({ server }: ClusterAccess, description: string): void {
  if (!URL.canParse(server))
    throw new SwitchyardError("cluster-unreachable", {
      message: `The address of ${description} is '${server}', which is not a URL`,
    });
  if (isConfidential(new URL(server))) return;
  throw new SwitchyardError("credentials-over-http", {
    message: `the credentials for ${description} would go over plain HTTP to ${new URL(server).host}`,
  });
}
