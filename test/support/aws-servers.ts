/** A small server that answers as AWS STS, EKS and the API server of one EKS cluster do, over a clock of the test's. */
import { createHash, createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { z } from "zod";

interface Session {
  readonly secret: string;
  readonly token: string;
  readonly expiresAt: number;
}

export interface AwsUpdate {
  readonly id: string;
  readonly type: string;
  status: string;
  /** ms since the epoch. */
  readonly createdAt: number;
}

export interface AwsServers {
  /** Variables under which the clients find it. */
  readonly env: Readonly<Record<string, string>>;
  /** Operations in order: AssumeRole, DescribeCluster … */
  readonly calls: string[];
  /** What EKS has of the cluster. */
  readonly updates: AwsUpdate[];
  readonly insights: { readonly name: string; readonly status: string }[];
  status: string;
  /** Roles that may be assumed. */
  readonly roles: Set<string>;
  /** Of the cluster's API: what it answered. */
  readonly answers: number[];
  /** ms that AWS's clock is ahead of the test's. */
  skewMs: number;
  /** The next call of the operation gets this. */
  failNext(operation: string, status: number, code: string, message: string): void;
  /** Ends all sessions. */
  revoke(): void;
  close(): Promise<void>;
}

const tokenLifeMs = 15 * 60_000;
const toleratedSkewMs = 5 * 60_000;
const sessionMs = 60 * 60_000;

export async function serveAws(now: () => number, cluster: string, region: string): Promise<AwsServers> {
  const sessions = new Map<string, Session>();
  const failures: { operation: string; status: number; code: string; message: string }[] = [];
  let sequence = 0;
  const aws: Omit<AwsServers, "env" | "close"> = {
    calls: [],
    updates: [],
    insights: [],
    status: "ACTIVE",
    roles: new Set(),
    answers: [],
    skewMs: 0,
    failNext: (operation, status, code, message) => void failures.push({ operation, status, code, message }),
    revoke: () => sessions.clear(),
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => answer(request, response, Buffer.concat(chunks).toString("utf8")));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = z.object({ port: z.number() }).parse(server.address());
  const url = `http://127.0.0.1:${port}`;

  function answer(request: IncomingMessage, response: ServerResponse, body: string) {
    const awsNow = now() + aws.skewMs;
    response.setHeader("date", new Date(awsNow).toUTCString());
    const address = new URL(request.url ?? "/", url);
    if (address.pathname === "/version") {
      const allowed = accepts(request.headers.authorization ?? "");
      aws.answers.push(allowed ? 200 : 401);
      response.writeHead(allowed ? 200 : 401).end(JSON.stringify(allowed ? { major: "1", minor: "33+" } : {}));
      return;
    }
    const operation = operationOf(request.method ?? "", address.pathname, body);
    aws.calls.push(operation);
    const failure = failures.findIndex((one) => one.operation === operation);
    const [failing] = failure < 0 ? [] : failures.splice(failure, 1);
    if (failing !== undefined) return refuse(response, operation, failing.status, failing.code, failing.message);
    if (operation === "AssumeRole") return assume(response, new URLSearchParams(body), awsNow);
    const key = /Credential=([^/]+)\//.exec(request.headers.authorization ?? "")?.[1] ?? "";
    const session = sessions.get(key);
    if (key !== "local" && (session === undefined || session.expiresAt <= awsNow))
      return refuse(response, operation, 403, "ExpiredTokenException", "The security token included is expired");
    eks(response, operation, address);
  }

  function assume(response: ServerResponse, form: URLSearchParams, awsNow: number) {
    const arn = form.get("RoleArn") ?? "";
    if (!aws.roles.has(arn))
      return refuse(
        response,
        "AssumeRole",
        403,
        "AccessDenied",
        `User is not authorized to perform: sts:AssumeRole on resource: ${arn}`,
      );
    if (Math.abs(aws.skewMs) > toleratedSkewMs)
      return refuse(
        response,
        "AssumeRole",
        403,
        "SignatureDoesNotMatch",
        "Signature expired: 20261201T100000Z is now earlier than 20261201T101500Z",
      );
    sequence += 1;
    const key = `ASIA${String(sequence).padStart(16, "0")}`;
    const session = {
      secret: `secret-${sequence}`,
      token: `session-token-${sequence}/+=`,
      expiresAt: awsNow + sessionMs,
    };
    sessions.set(key, session);
    response
      .writeHead(200, { "content-type": "text/xml" })
      .end(
        `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>` +
          `<AccessKeyId>${key}</AccessKeyId><SecretAccessKey>${session.secret}</SecretAccessKey>` +
          `<SessionToken>${session.token}</SessionToken><Expiration>${new Date(session.expiresAt).toISOString()}</Expiration>` +
          `</Credentials></AssumeRoleResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></AssumeRoleResponse>`,
      );
  }

  function eks(response: ServerResponse, operation: string, address: URL) {
    const send = (value: unknown) =>
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
    const name = address.pathname.split("/")[2];
    if (name !== cluster)
      return refuse(response, operation, 404, "ResourceNotFoundException", `No cluster found for name: ${name}.`);
    switch (operation) {
      case "DescribeCluster": {
        const data = Buffer.from("-----BEGIN CERTIFICATE-----\n").toString("base64");
        return void send({
          cluster: { name, endpoint: url, certificateAuthority: { data }, status: aws.status, version: "1.33" },
        });
      }
      case "ListUpdates": {
        // One a page.
        const at = Number(address.searchParams.get("nextToken") ?? 0);
        const next = at + 1 < aws.updates.length ? { nextToken: String(at + 1) } : {};
        return void send({ updateIds: aws.updates.slice(at, at + 1).map(({ id }) => id), ...next });
      }
      case "DescribeUpdate": {
        const update = aws.updates.find(({ id }) => id === address.pathname.split("/")[4]);
        return void send({ update: update && { ...update, createdAt: update.createdAt / 1_000 } });
      }
      default:
        send({ insights: aws.insights.map(({ name: one, status }) => ({ name: one, insightStatus: { status } })) });
    }
  }

  /** As the authenticator of EKS does, which asks STS to check the signature. */
  function accepts(authorization: string): boolean {
    const token = /^Bearer k8s-aws-v1\.(.+)$/.exec(authorization)?.[1];
    if (token === undefined) return false;
    const signed = new URL(Buffer.from(token, "base64url").toString("utf8"));
    const query = signed.searchParams;
    const date = query.get("X-Amz-Date") ?? "";
    const signedAt = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
    const session = sessions.get(query.get("X-Amz-Credential")?.split("/")[0] ?? "");
    const awsNow = now() + aws.skewMs;
    return (
      signed.host === `sts.${region}.amazonaws.com` &&
      query.get("Action") === "GetCallerIdentity" &&
      query.get("X-Amz-Expires") === "60" &&
      session !== undefined &&
      session.expiresAt > awsNow &&
      query.get("X-Amz-Security-Token") === session.token &&
      awsNow - signedAt < tokenLifeMs &&
      signedAt - awsNow < toleratedSkewMs &&
      query.get("X-Amz-Signature") === signature(signed, cluster, session.secret, region)
    );
  }

  return Object.assign(aws, {
    env: { AWS_ENDPOINT_URL_STS: url, AWS_ENDPOINT_URL_EKS: url },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}

function operationOf(method: string, path: string, body: string): string {
  if (method === "POST" && path === "/") return new URLSearchParams(body).get("Action") ?? "";
  if (/^\/clusters\/[^/]+$/.test(path)) return "DescribeCluster";
  if (/\/updates$/.test(path)) return "ListUpdates";
  if (/\/updates\/[^/]+$/.test(path)) return "DescribeUpdate";
  return "ListInsights";
}

function refuse(response: ServerResponse, operation: string, status: number, code: string, message: string): void {
  if (operation === "AssumeRole")
    response
      .writeHead(status, { "content-type": "text/xml" })
      .end(
        `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
      );
  else
    response
      .writeHead(status, { "content-type": "application/json", "x-amzn-errortype": code })
      .end(JSON.stringify({ message }));
}

/** AWS's documented signature, version 4, of a signed address, written down a second time. */
function signature(signed: URL, cluster: string, secret: string, region: string): string {
  const query = [...signed.searchParams].filter(([name]) => name !== "X-Amz-Signature");
  const encode = (text: string) =>
    encodeURIComponent(text).replaceAll(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
  const canonicalQuery = query
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .toSorted()
    .join("&");
  const hash = (text: string) => createHash("sha256").update(text).digest("hex");
  const canonical = [
    "GET",
    "/",
    canonicalQuery,
    `host:${signed.host}`,
    `x-k8s-aws-id:${cluster}`,
    "",
    "host;x-k8s-aws-id",
    hash(""),
  ].join("\n");
  const date = signed.searchParams.get("X-Amz-Date") ?? "";
  const scope = `${date.slice(0, 8)}/${region}/sts/aws4_request`;
  const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();
  const key = [date.slice(0, 8), region, "sts", "aws4_request"].reduce<string | Buffer>(
    (before, part) => hmac(before, part),
    `AWS4${secret}`,
  );
  return hmac(key, ["AWS4-HMAC-SHA256", date, scope, hash(canonical)].join("\n")).toString("hex");
}
