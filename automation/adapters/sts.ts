/** Sessions of AWS roles, and EKS tokens signed with them. The only importer of the client of AWS STS. */
import type { STSClient } from "@aws-sdk/client-sts";
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import { type AwsSurroundings, askAws, askedClient, type DateWatch, watchDate } from "./aws-ask.ts";
import {
  type AwsCredentials,
  type AwsPlace,
  awsEndpoint,
  confidentialOnly,
  confidentialStep,
  secretsOf,
} from "./aws-client.ts";

const place: AwsPlace = Object.freeze({
  service: "STS",
  setting: "AWS_ENDPOINT_URL_STS",
  variable: "AWS_ENDPOINT_URL_STS",
});

export interface AwsRole {
  readonly region: string;
  /** Undefined: the caller's own credentials. */
  readonly roleArn: string | undefined;
  /** Of the session, for AWS's audit log. */
  readonly sessionName: string;
}

export interface SessionCredentials extends AwsCredentials {
  /** ms since the epoch; undefined: they do not end. */
  readonly expiresAt: number | undefined;
}

export interface EksToken {
  readonly token: string;
  /** ms since the epoch. */
  readonly expiresAt: number;
}

export interface AwsSession {
  /** Valid for 20 minutes at least, where AWS gives as much. Errors: cluster-refused, cluster-unreachable. */
  credentials(): Promise<SessionCredentials>;
  /** A new one for a cluster of EKS. Errors as above. */
  eksToken(cluster: string): Promise<EksToken>;
  forget(): void;
}

/** A role that was assumed through another one lives no longer. */
const sessionSeconds = 3_600;
/** A token ends with the session that signed it, so a session is not used to its end. */
const sessionReserveMs = 20 * 60_000;
/** EKS takes a token so long after it was signed, whatever the address says. */
const tokenMs = 15 * 60_000;
const tokenExpiresSeconds = 60;

const signedSchema = z.object({
  protocol: z.string(),
  hostname: z.string(),
  path: z.string(),
  query: z.record(z.string(), z.string()),
});

export function openAwsSession(role: AwsRole, surroundings: AwsSurroundings): AwsSession {
  const { region, roleArn, sessionName } = role;
  const { env, clock } = surroundings;
  const endpoint = env["AWS_ENDPOINT_URL_STS"] || undefined;
  const date = watchDate();
  let own: Promise<STSClient> | undefined;
  let current: Promise<SessionCredentials> | undefined;

  const ownClient = (): Promise<STSClient> => {
    own ??= open(region, endpoint, date);
    return own;
  };

  async function assume(arn: string): Promise<SessionCredentials> {
    const sdk = await import("@aws-sdk/client-sts");
    const client = await ownClient();
    const { Credentials } = await askAws(surroundings, {
      what: `AssumeRole ${arn}`,
      ask: () =>
        client.send(
          new sdk.AssumeRoleCommand({ RoleArn: arn, RoleSessionName: sessionName, DurationSeconds: sessionSeconds }),
        ),
      secrets: () => secretsOf(() => client.config.credentials()),
      serverDate: date.last,
      signal: undefined,
    });
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = Credentials ?? {};
    if (AccessKeyId === undefined || SecretAccessKey === undefined)
      throw new SwitchyardError("cluster-unreachable", { message: `AssumeRole ${arn} gave no credentials` });
    return {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
      expiresAt: Expiration?.getTime(),
    };
  }

  /** The client renews them by itself. */
  async function ownCredentials(): Promise<SessionCredentials> {
    const client = await ownClient();
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = await askAws(surroundings, {
      what: "for this machine's own credentials",
      ask: () => client.config.credentials(),
      secrets: async () => [],
      serverDate: () => undefined,
      signal: undefined,
    });
    return { accessKeyId, secretAccessKey, sessionToken, expiresAt: expiration?.getTime() };
  }

  async function credentials(): Promise<SessionCredentials> {
    if (roleArn === undefined) return ownCredentials();
    const known = await current?.catch(() => undefined);
    if (known !== undefined && (known.expiresAt ?? Infinity) - clock.wall() >= sessionReserveMs) return known;
    // Others may have asked for it while this one looked.
    renewing ??= assume(roleArn).finally(() => {
      renewing = undefined;
    });
    current = renewing;
    return renewing;
  }
  let renewing: Promise<SessionCredentials> | undefined;

  return {
    credentials,

    async eksToken(cluster) {
      const { expiresAt = Number.POSITIVE_INFINITY, ...identity } = await credentials();
      const signedAt = clock.wall();
      const token = await sign(cluster, region, identity, signedAt);
      return { token, expiresAt: Math.min(signedAt + tokenMs, expiresAt) };
    },

    forget() {
      current = undefined;
    },
  };
}

async function open(region: string, endpoint: string | undefined, date: DateWatch): Promise<STSClient> {
  const settings = awsEndpoint(endpoint, place);
  const sdk = await import("@aws-sdk/client-sts");
  const client = new sdk.STSClient({
    region,
    ...askedClient,
    ...settings,
  });
  client.middlewareStack.add(confidentialOnly(place), confidentialStep);
  client.middlewareStack.add(date.middleware, date.step);
  return client;
}

/** A signed address of STS that EKS opens to see who asks. Nothing is sent here. */
async function sign(cluster: string, region: string, identity: AwsCredentials, atMs: number): Promise<string> {
  const sdk = await import("@aws-sdk/client-sts");
  const { accessKeyId, secretAccessKey, sessionToken } = identity;
  const client = new sdk.STSClient({
    region,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
  });
  try {
    // Always AWS's own address: EKS opens no other.
    const { url } = client.config.endpointProvider({ Region: region, UseDualStack: false, UseFIPS: false });
    const signer = await client.config.signer({
      name: "sigv4",
      signingName: "sts",
      signingRegion: region,
      properties: {},
    });
    if (!("presign" in signer) || typeof signer.presign !== "function")
      throw new TypeError("the client of STS has no signer for addresses");
    const request = {
      method: "GET",
      protocol: url.protocol,
      hostname: url.hostname,
      path: "/",
      query: { Action: "GetCallerIdentity", Version: "2011-06-15" },
      headers: { host: url.hostname, "x-k8s-aws-id": cluster },
    };
    const options = {
      signingDate: new Date(atMs),
      expiresIn: tokenExpiresSeconds,
      unhoistableHeaders: new Set(["x-k8s-aws-id"]),
    };
    const { protocol, hostname, path, query } = signedSchema.parse(await signer.presign(request, options));
    // As AWS signs it: a space is %20.
    const search = Object.entries(query).map(
      ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
    );
    const address = `${protocol}//${hostname}${path}?${search.join("&")}`;
    return `k8s-aws-v1.${Buffer.from(address).toString("base64url")}`;
  } finally {
    client.destroy();
  }
}
