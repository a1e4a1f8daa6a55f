/** Clusters of EKS: the way in, and what EKS itself says of them. The only importer of its client. */
import type { EKSClient } from "@aws-sdk/client-eks";
import { SwitchyardError } from "../errors.ts";
import type { EksFacts } from "../ports/clusters.ts";
import { abortable } from "./abortable.ts";
import { type AwsSurroundings, askAws, askedClient, watchDate } from "./aws-ask.ts";
import { type AwsPlace, awsEndpoint, confidentialOnly, confidentialStep, secretsOf } from "./aws-client.ts";
import type { ClusterConnection } from "./cluster-access.ts";
import { type EksToken, openAwsSession, type SessionCredentials } from "./sts.ts";

const place: AwsPlace = Object.freeze({
  service: "EKS",
  setting: "AWS_ENDPOINT_URL_EKS",
  variable: "AWS_ENDPOINT_URL_EKS",
});

export interface EksAddress {
  /** Name in EKS. */
  readonly cluster: string;
  readonly region: string;
  /** Undefined: the caller's own credentials. */
  readonly roleArn: string | undefined;
}

export interface EksCluster extends ClusterConnection {
  /** Errors: cluster-unreachable, cluster-refused. */
  facts(signal?: AbortSignal): Promise<EksFacts>;
}

/** A token that ends sooner is not used any more, ms: the longest call takes two minutes. */
const tokenReserveMs = 5 * 60_000;
/** Address and certificate of a cluster are asked for again after that, ms. */
const addressMs = 60 * 60_000;

interface Address {
  readonly server: string;
  readonly authority: string;
  readonly readAt: number;
}

interface Description extends Address {
  readonly status: string;
  readonly version: string;
}

type Sdk = typeof import("@aws-sdk/client-eks");

/** What AWS calls a session that has ended. */
const stale = /^(ExpiredToken|UnrecognizedClient|InvalidClientTokenId)/;

interface Finished {
  readonly upgradedAt: number | undefined;
}

export function openEksCluster({ cluster, region, roleArn }: EksAddress, surroundings: AwsSurroundings): EksCluster {
  const { env, clock } = surroundings;
  const description = `EKS cluster ${cluster} in ${region}`;
  const endpoint = env["AWS_ENDPOINT_URL_EKS"] || undefined;
  const sessionName = `switchyard-guard-${cluster}`.replaceAll(/[^\w+=,.@-]/g, "-").slice(0, 64);
  const session = openAwsSession({ region, roleArn, sessionName }, surroundings);
  const date = watchDate();
  /** Updates never change once they have ended. */
  const finished = new Map<string, Finished>();
  let address: Address | undefined;
  let token: EksToken | undefined;
  let entering: Promise<void> | undefined;
  let connected: { readonly client: EKSClient; readonly credentials: SessionCredentials } | undefined;

  async function connect(): Promise<EKSClient> {
    const credentials = await session.credentials();
    if (connected?.credentials.accessKeyId === credentials.accessKeyId) return connected.client;
    connected?.client.destroy();
    const client = await open(credentials);
    connected = { client, credentials };
    return client;
  }

  async function open({ accessKeyId, secretAccessKey, sessionToken }: SessionCredentials): Promise<EKSClient> {
    const sdk = await import("@aws-sdk/client-eks");
    const client = new sdk.EKSClient({
      region,
      ...askedClient,
      ...awsEndpoint(endpoint, place),
      credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
    });
    client.middlewareStack.add(confidentialOnly(place), confidentialStep);
    client.middlewareStack.add(date.middleware, date.step);
    return client;
  }

  /** One request; once more with a new session when AWS does not take this one any more. */
  async function ask<Answer>(
    operation: string,
    signal: AbortSignal | undefined,
    send: (client: EKSClient, sdk: Sdk, options: { readonly abortSignal?: AbortSignal }) => Promise<Answer>,
  ): Promise<Answer> {
    const sdk = await import("@aws-sdk/client-eks");
    const options = signal === undefined ? {} : { abortSignal: signal };
    for (let renewed = false; ; renewed = true) {
      const client = await connect();
      try {
        return await askAws(surroundings, {
          what: `${operation} of ${description}`,
          ask: () => send(client, sdk, options),
          secrets: () => secretsOf(() => client.config.credentials()),
          serverDate: date.last,
          signal,
        });
      } catch (error) {
        const ended = error instanceof SwitchyardError && error.cause instanceof Error && stale.test(error.cause.name);
        if (renewed || roleArn === undefined || !ended) throw error;
        session.forget();
      }
    }
  }

  async function describe(signal?: AbortSignal): Promise<Description> {
    const { cluster: found } = await ask("DescribeCluster", signal, (client, sdk, options) =>
      client.send(new sdk.DescribeClusterCommand({ name: cluster }), options),
    );
    const { endpoint: server, certificateAuthority, status, version } = found ?? {};
    const data = certificateAuthority?.data;
    // A cluster that is being made has none yet.
    if (server === undefined || data === undefined || status === undefined || version === undefined)
      throw new SwitchyardError("cluster-unreachable", {
        message: `${description} is ${status ?? "not described"} and has no address`,
      });
    const authority = Buffer.from(data, "base64").toString("utf8");
    address = { server, authority, readAt: clock.wall() };
    return { ...address, status, version };
  }

  /** Makes what is missing or too old. */
  async function enter(): Promise<void> {
    const now = clock.wall();
    if (address === undefined || now - address.readAt >= addressMs) await describe();
    if (token === undefined || token.expiresAt - clock.wall() < tokenReserveMs) token = await session.eksToken(cluster);
  }

  async function updates(signal: AbortSignal | undefined) {
    const ids: string[] = [];
    let nextToken: string | undefined;
    do {
      const input = { name: cluster, ...(nextToken === undefined ? {} : { nextToken }) };
      const page = await ask("ListUpdates", signal, (client, sdk, options) =>
        client.send(new sdk.ListUpdatesCommand(input), options),
      );
      ids.push(...(page.updateIds ?? []));
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    let updateInProgress = false;
    let upgradedAt: number | undefined;
    for (const id of ids) {
      const ended = finished.get(id) ?? (await endOf(id, signal));
      if (ended === undefined) updateInProgress = true;
      else if (ended.upgradedAt !== undefined) upgradedAt = Math.max(upgradedAt ?? 0, ended.upgradedAt);
    }
    return { updateInProgress, upgradedAt };
  }

  /** Undefined: it has not ended. */
  async function endOf(updateId: string, signal: AbortSignal | undefined): Promise<Finished | undefined> {
    const { update } = await ask("DescribeUpdate", signal, (client, sdk, options) =>
      client.send(new sdk.DescribeUpdateCommand({ name: cluster, updateId }), options),
    );
    if (update?.status === "InProgress") return undefined;
    const upgraded = update?.status === "Successful" && update.type === "VersionUpdate";
    const ended = { upgradedAt: upgraded ? update.createdAt?.getTime() : undefined };
    finished.set(updateId, ended);
    return ended;
  }

  async function insights(signal: AbortSignal | undefined): Promise<EksFacts["insights"]> {
    const found: EksFacts["insights"][number][] = [];
    let nextToken: string | undefined;
    do {
      const input = { clusterName: cluster, ...(nextToken === undefined ? {} : { nextToken }) };
      const page = await ask("ListInsights", signal, (client, sdk, options) =>
        client.send(new sdk.ListInsightsCommand(input), options),
      );
      for (const { name, id, insightStatus } of page.insights ?? [])
        found.push({ name: name ?? id ?? "", status: insightStatus?.status ?? "UNKNOWN" });
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    return found;
  }

  return {
    description,

    async access(signal) {
      entering ??= enter().finally(() => {
        entering = undefined;
      });
      await abortable(entering, signal);
      if (address === undefined || token === undefined) throw new TypeError("entered without a way in");
      return { server: address.server, authority: address.authority, token: token.token };
    },

    forget() {
      address = undefined;
      token = undefined;
      session.forget();
    },

    async facts(signal) {
      const { status, version } = await describe(signal);
      const { updateInProgress, upgradedAt } = await updates(signal);
      return {
        status,
        kubernetes: version,
        updateInProgress: updateInProgress || status === "UPDATING",
        insights: await insights(signal),
        upgradedAt,
      };
    },
  };
}
