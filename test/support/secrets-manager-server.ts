/** A small server that answers GetSecretValue as AWS Secrets Manager documents it. */
import { createServer } from "node:http";
import { z } from "zod";

interface SecretsManagerServer {
  /** http://127.0.0.1:PORT */
  readonly url: string;
  /** Ids that were asked for, with the region that the request was signed for. */
  readonly asked: readonly { readonly id: string; readonly region: string }[];
  /** The next request gets this error instead; `type`: AccessDeniedException */
  failNext(status: number, type: string, message: string): void;
  close(): Promise<void>;
}

/** By name or ARN: a text, or bytes for a binary secret. */
export async function serveSecretsManager(
  secrets: Readonly<Record<string, string | Uint8Array>>,
): Promise<SecretsManagerServer> {
  const asked: { readonly id: string; readonly region: string }[] = [];
  const failures: { readonly status: number; readonly type: string; readonly message: string }[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const answer = (status: number, value: unknown): void => {
      response.writeHead(status, { "content-type": "application/x-amz-json-1.1" }).end(JSON.stringify(value));
    };
    if (request.headers["x-amz-target"] !== "secretsmanager.GetSecretValue")
      return answer(400, { __type: "InvalidRequestException", Message: "not served" });
    const { SecretId: id } = z.object({ SecretId: z.string() }).parse(JSON.parse(body));
    // Credential=ID/DATE/REGION/secretsmanager/aws4_request
    asked.push({ id, region: /Credential=[^/]+\/\d+\/([^/]+)\//.exec(request.headers.authorization ?? "")?.[1] ?? "" });
    const failure = failures.shift();
    if (failure !== undefined)
      return answer(failure.status, { __type: failure.type, Message: failure.message, message: failure.message });
    const secret = secrets[id];
    if (secret === undefined)
      return answer(400, {
        __type: "ResourceNotFoundException",
        Message: "Secrets Manager can't find the specified secret.",
      });
    const value =
      typeof secret === "string" ? { SecretString: secret } : { SecretBinary: Buffer.from(secret).toString("base64") };
    answer(200, {
      ARN: `arn:aws:secretsmanager:us-east-1:1:secret:${id}`,
      Name: id,
      VersionStages: ["AWSCURRENT"],
      ...value,
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = z.object({ port: z.number() }).parse(server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    failNext: (status, type, message) => void failures.push({ status, type, message }),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
