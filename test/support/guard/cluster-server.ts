/**
 * Simulated clusters behind the HTTP API of Kubernetes: discovery, lists, objects, the two patches that guard makes, logs and health.
 * Time passes in them when they are asked, and Flux in them fetches from the real repository. Beside it answers what their istioctl prints.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { z } from "zod";
import type { SimulatedCluster } from "../../../automation/guard/simulation/cluster.ts";
import type { ResourceType } from "../../../automation/ports/kubernetes-api.ts";
import { istioctlReply } from "./istioctl-replies.ts";

export interface ClusterServer {
  /** http://127.0.0.1:PORT/clusters/ID */
  urlOf(cluster: string): string;
  /** `METHOD path` of each change that was asked for, in order. */
  readonly changes: readonly string[];
  close(): Promise<void>;
}

export interface ServedCluster {
  readonly cluster: SimulatedCluster;
  /** Reads the repository, so that Flux's next look sees it, and lets time pass. */
  follow(): Promise<void>;
}

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

const clusterScoped = new Set([
  "ClusterRole",
  "ClusterRoleBinding",
  "CustomResourceDefinition",
  "GatewayClass",
  "MutatingWebhookConfiguration",
  "Namespace",
  "Node",
  "ValidatingWebhookConfiguration",
]);

const failure = (code: number, message: string): Reply => ({
  status: code,
  body: { kind: "Status", apiVersion: "v1", status: "Failure", message, code },
});

/** As API servers name resources. */
function plural(kind: string): string {
  const name = kind.toLowerCase();
  if (name.endsWith("y") && !/[aeiou]y$/.test(name)) return `${name.slice(0, -1)}ies`;
  return /(s|x|ch)$/.test(name) ? `${name}es` : `${name}s`;
}

export async function serveClusters(served: ReadonlyMap<string, ServedCluster>): Promise<ClusterServer> {
  const changes: string[] = [];
  const server = createServer((request, response) => {
    answer(served, changes, request, response).catch((error: unknown) => {
      response.writeHead(500, { "content-type": "text/plain" }).end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = z.object({ port: z.number() }).parse(server.address());
  return {
    urlOf: (cluster) => `http://127.0.0.1:${port}/clusters/${cluster}`,
    changes,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function answer(
  served: ReadonlyMap<string, ServedCluster>,
  changes: string[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://server");
  const [, , id = "", ...parts] = url.pathname.split("/").map(decodeURIComponent);
  const found = served.get(id);
  const parts_: Buffer[] = [];
  for await (const part of request) parts_.push(part);
  const body: unknown = parts_.length === 0 ? undefined : JSON.parse(Buffer.concat(parts_).toString());
  if (found === undefined) throw new Error(`there is no cluster ${id}`);
  await found.follow();
  if (request.method === "PATCH") changes.push(`PATCH ${url.pathname}`);
  const reply =
    parts[0] === "istioctl"
      ? await istioctlReply(found.cluster, body)
      : await kubernetesReply(found.cluster, request, parts, url.searchParams, body);
  const text = typeof reply.body === "string";
  response
    .writeHead(reply.status, { "content-type": text ? "text/plain" : "application/json" })
    .end(text ? reply.body : JSON.stringify(reply.body));
}

async function kubernetesReply(
  { api, name }: SimulatedCluster,
  { method }: IncomingMessage,
  parts: readonly string[],
  query: URLSearchParams,
  body: unknown,
): Promise<Reply> {
  const [first = ""] = parts;
  if (first === "version") {
    const [major = "", minor = ""] = (await api.version()).split(".");
    return { status: 200, body: { major, minor, gitVersion: `v${major}.${minor}.0-eks-${name}` } };
  }
  if (first === "readyz") {
    const failing = await api.failingChecks();
    const lines = ["[+]ping ok", ...failing.map((one) => `[-]${one} failed: reason withheld`)];
    return { status: failing.length === 0 ? 200 : 500, body: `${lines.join("\n")}\n` };
  }
  if (first !== "api" && first !== "apis") return failure(404, "the server could not find the requested resource");
  const apiVersion = first === "api" ? (parts[1] ?? "") : parts.slice(1, 3).join("/");
  const path = parts.slice(first === "api" ? 2 : 3);
  const types = api.types().filter((one) => one.apiVersion === apiVersion);
  if (types.length === 0) return failure(404, "the server could not find the requested resource");
  if (path.length === 0) return { status: 200, body: resourceList(apiVersion, types) };
  const [inside, ...deeper] =
    path[0] === "namespaces" && path.length > 2 ? [path[1], ...path.slice(2)] : [undefined, ...path];
  const [resource, object, sub] = deeper;
  const type = types.find(({ kind }) => plural(kind) === resource);
  if (type === undefined) return failure(404, "the server could not find the requested resource");
  if (object === undefined) {
    const labelSelector = query.get("labelSelector");
    const items = await api.list(type, {
      ...(inside === undefined ? {} : { namespace: inside }),
      ...(labelSelector === null ? {} : { labelSelector }),
    });
    return pageOf(type, items ?? [], query);
  }
  if (sub === "log") return logReply(api, inside ?? "", object, query);
  if (api.peek(type, object, inside) === undefined) return failure(404, `${resource} "${object}" not found`);
  if (method === "PATCH") await patched(api, type, object, inside ?? "", body);
  return { status: 200, body: api.peek(type, object, inside) };
}

const resourceList = (groupVersion: string, types: readonly ResourceType[]) => ({
  kind: "APIResourceList",
  groupVersion,
  resources: types.flatMap(({ kind }) => [
    { name: plural(kind), kind, namespaced: !clusterScoped.has(kind), verbs: ["get", "list", "patch"] },
    { name: `${plural(kind)}/status`, kind, namespaced: !clusterScoped.has(kind), verbs: ["get"] },
  ]),
});

/** `continue` is the number of the next item. */
function pageOf({ apiVersion, kind }: ResourceType, all: readonly unknown[], query: URLSearchParams): Reply {
  const from = Number(query.get("continue") ?? 0);
  const to = from + Number(query.get("limit") ?? all.length);
  const metadata = to < all.length ? { continue: String(to) } : {};
  return { status: 200, body: { apiVersion, kind: `${kind}List`, metadata, items: all.slice(from, to) } };
}

async function logReply(api: SimulatedCluster["api"], namespace: string, name: string, query: URLSearchParams) {
  const container = query.get("container") ?? "";
  const text = await api.logs({ namespace, name, container }, { sinceSeconds: 1, bytes: 1_000_000 });
  return text === undefined ? failure(404, `pods "${name}" not found`) : { status: 200, body: text };
}

const annotations = z.record(z.string(), z.string());
const restartPatch = z.strictObject({
  spec: z.strictObject({ template: z.strictObject({ metadata: z.strictObject({ annotations }) }) }),
});
const reconcilePatch = z.strictObject({ metadata: z.strictObject({ annotations }) });

/** What guard's role may change and nothing else: the mark of a restart, and Flux's wish. */
async function patched(
  api: SimulatedCluster["api"],
  type: ResourceType,
  name: string,
  namespace: string,
  body: unknown,
): Promise<void> {
  const restart = restartPatch.safeParse(body);
  const at = restart.data?.spec.template.metadata.annotations["kubectl.kubernetes.io/restartedAt"];
  if (at !== undefined) {
    const kind = z.enum(["Deployment", "StatefulSet", "DaemonSet"]).parse(type.kind);
    await api.restart({ kind, namespace, name }, at);
    return;
  }
  const wish = reconcilePatch.parse(body).metadata.annotations["reconcile.fluxcd.io/requestedAt"];
  await api.reconcile(type, name, namespace, z.string().parse(wish));
}
