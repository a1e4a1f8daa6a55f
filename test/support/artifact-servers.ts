/** Small servers that answer as a Helm repository and as an OCI registry do, on this machine. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { z } from "zod";

export interface ArtifactServer {
  /** 127.0.0.1:PORT */
  readonly host: string;
  /** `METHOD path` of each request, in order. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

type Answer = (request: IncomingMessage, response: ServerResponse, host: string) => void;

async function serve(answer: Answer): Promise<ArtifactServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    answer(request, response, host);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = z.object({ port: z.number() }).parse(server.address());
  const host = `127.0.0.1:${port}`;
  return {
    host,
    requests,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Everything below /charts; `hang`: no answer at all. */
export function serveHelmRepository(
  index: () => string | { readonly status: number } | "hang",
): Promise<ArtifactServer> {
  return serve((request, response) => {
    const answer = index();
    if (answer === "hang") return;
    if (typeof answer !== "string") response.writeHead(answer.status).end("no");
    else if (request.url === "/charts/index.yaml") response.writeHead(200).end(answer);
    else response.writeHead(404).end("no such file");
  });
}

export interface RegistryRules {
  /** `repository:tag` that there are. */
  readonly tags: readonly string[];
  /** Default token: as Docker Hub and ghcr.io, a token for everybody. open: without one. login: a token for nobody. basic: asks for a password. */
  readonly access?: "token" | "open" | "login" | "basic";
  /** Instead of the manifest's answer. */
  readonly status?: number;
  /** A page of somebody else's for what is not there. */
  readonly foreign404?: boolean;
  readonly realm?: string;
}

export function serveRegistry(rules: RegistryRules): Promise<ArtifactServer> {
  const { tags, access = "token" } = rules;
  return serve((request, response, host) => {
    const url = new URL(request.url ?? "/", `http://${host}`);
    const json = (status: number, body: unknown, headers: Record<string, string> = {}): void => {
      response
        .writeHead(status, { "content-type": "application/json", ...headers })
        .end(request.method === "HEAD" ? "" : JSON.stringify(body));
    };
    if (url.pathname === "/token") {
      if (access === "login") json(403, { errors: [{ code: "DENIED" }] });
      else json(200, { token: `for ${url.searchParams.get("service")} ${url.searchParams.get("scope")}` });
      return;
    }
    const [, repository = "", tag = ""] = /^\/v2\/(.+)\/manifests\/([^/]+)$/.exec(url.pathname) ?? [];
    const token = `Bearer for registry repository:${repository}:pull`;
    if (access !== "open" && request.headers.authorization !== token) {
      const challenge =
        access === "basic"
          ? 'Basic realm="all"'
          : `Bearer realm="${rules.realm ?? `http://${host}/token`}",service="registry",scope="ignored"`;
      json(401, { errors: [{ code: "UNAUTHORIZED" }] }, { "www-authenticate": challenge });
    } else if (rules.status !== undefined) json(rules.status, {}, { "retry-after": "120" });
    else if (tags.includes(`${repository}:${tag}`) && (request.headers.accept ?? "").includes("oci.image"))
      json(200, { schemaVersion: 2 });
    else if (rules.foreign404 === true)
      response
        .writeHead(404, { "content-type": "text/html" })
        .end(request.method === "HEAD" ? "" : "<h1>Not here</h1>");
    else json(404, { errors: [{ code: "MANIFEST_UNKNOWN", message: "manifest unknown" }] });
  });
}
