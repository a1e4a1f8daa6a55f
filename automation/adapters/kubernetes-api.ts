/** One cluster's Kubernetes API. Types are found by discovery, so that custom resources need no client of their own. */
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import type { KubernetesApi, KubernetesObject, ResourceType, RestartedWorkload } from "../ports/kubernetes-api.ts";
import { parseJson } from "./json-text.ts";
import {
  createKubernetesClient,
  type KubernetesClientOptions,
  type KubernetesReply,
  type KubernetesRequest,
  statusText,
} from "./kubernetes-request.ts";

export interface KubernetesApiOptions extends KubernetesClientOptions {
  /** Objects of one page of a list; default 500. */
  readonly pageSize?: number | undefined;
}

/** A list that changes so fast that its pages expire is begun anew so often. */
const listAttempts = 3;
/** Lines of a log are longer, so that this many of them hold more than was asked for. */
const shortestLine = 40;

const versionSchema = z.object({ major: z.string(), minor: z.string() });
const resourcesSchema = z.object({
  resources: z.array(z.object({ name: z.string(), kind: z.string(), namespaced: z.boolean() })),
});
const objectSchema = z.looseObject({
  apiVersion: z.string().optional(),
  kind: z.string().optional(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
});
const listSchema = z.object({
  metadata: z.object({ continue: z.string().optional() }).optional(),
  items: z.array(objectSchema).nullable(),
});

interface Resource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

/** Errors as the port says, and credentials-over-http. `close` ends its connections; those that idle keep no process alive. */
export function createKubernetesApi(options: KubernetesApiOptions): KubernetesApi & { close(): Promise<void> } {
  const { connection, pageSize = 500 } = options;
  const client = createKubernetesClient(options);
  /** Resources of a group's version, as they were when they were last asked for. */
  const discovered = new Map<string, readonly Resource[]>();

  function read<Schema extends z.ZodType>(schema: Schema, what: string, { text }: KubernetesReply): z.output<Schema> {
    const parsed = schema.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    throw client.unreachable(what, `the reply is not what Kubernetes sends: ${statusText(text)}`);
  }

  async function discover(apiVersion: string, signal: AbortSignal | undefined): Promise<readonly Resource[]> {
    const path = groupPath(apiVersion);
    const reply = await client.send({ method: "GET", path, signal });
    if (reply.status !== 404) assertDone(`GET ${path}`, reply);
    const resources = reply.status === 404 ? [] : read(resourcesSchema, `GET ${path}`, reply).resources;
    // `deployments/scale` has the kind Scale.
    const whole = resources.filter(({ name }) => !name.includes("/"));
    discovered.set(apiVersion, whole);
    return whole;
  }

  /** A type that is unknown may have come since. */
  async function resourceOf({ apiVersion, kind }: ResourceType, signal: AbortSignal | undefined) {
    const find = (among: readonly Resource[] | undefined) => among?.find((one) => one.kind === kind);
    return find(discovered.get(apiVersion)) ?? find(await discover(apiVersion, signal));
  }

  function assertDone(what: string, { status, text }: KubernetesReply): void {
    if (status < 200 || status >= 300) throw client.unreachable(what, `${status} ${statusText(text)}`);
  }

  const whole = (type: ResourceType, sent: z.output<typeof objectSchema>): KubernetesObject => {
    const { name, namespace, ...rest } = sent.metadata;
    const metadata = { ...rest, name, ...(namespace === undefined ? {} : { namespace }) };
    // Items of lists come without.
    return { ...sent, apiVersion: sent.apiVersion ?? type.apiVersion, kind: sent.kind ?? type.kind, metadata };
  };

  /** Undefined: its pages have expired. */
  async function pages(path: string, labelSelector: string | undefined, signal: AbortSignal | undefined) {
    const items: z.output<typeof objectSchema>[] = [];
    let from: string | undefined;
    do {
      const query = {
        limit: String(pageSize),
        ...(labelSelector === undefined ? {} : { labelSelector }),
        ...(from === undefined ? {} : { continue: from }),
      };
      const reply = await client.send({ method: "GET", path, query, signal });
      if (reply.status === 410) return "expired";
      if (reply.status === 404) return "unknown";
      assertDone(`GET ${path}`, reply);
      const list = read(listSchema, `GET ${path}`, reply);
      items.push(...(list.items ?? []));
      from = list.metadata?.continue || undefined;
    } while (from !== undefined);
    return items;
  }

  async function change(path: string, patch: KubernetesRequest["patch"], signal: AbortSignal | undefined) {
    const query = { fieldManager: "switchyard-guard" };
    const reply = await client.send({ method: "PATCH", path, query, patch, signal });
    if (reply.status === 404) return false;
    assertDone(`PATCH ${path}`, reply);
    return true;
  }

  const gone = (kind: string, namespace: string, name: string): SwitchyardError =>
    new SwitchyardError("cluster-refused", {
      message: `${connection.description} has no ${kind} ${namespace}/${name}`,
      next: "It was removed since it was listed: run the same command again.",
    });

  return {
    description: `Kubernetes of ${connection.description}`,

    async version(signal) {
      const reply = await client.send({ method: "GET", path: "/version", signal });
      assertDone("GET /version", reply);
      const { major, minor } = read(versionSchema, "GET /version", reply);
      // EKS writes 33+.
      return `${major}.${minor.replace(/\D.*$/, "")}`;
    },

    async failingChecks(signal) {
      const reply = await client.send({ method: "GET", path: "/readyz", query: { verbose: "" }, signal });
      if (reply.status === 200) return [];
      const failing = [...reply.text.matchAll(/^\[-\]([^\s:]+)/gm)].map(([, name = ""]) => name);
      if (failing.length === 0) throw client.unreachable("GET /readyz", `${reply.status} ${statusText(reply.text)}`);
      return failing;
    },

    async list(type, { namespace, labelSelector } = {}, signal) {
      const resource = await resourceOf(type, signal);
      if (resource === undefined) return undefined;
      if (namespace !== undefined && !resource.namespaced) return [];
      const path = resourcePath(type, resource, namespace);
      for (let attempt = 1; ; attempt += 1) {
        const items = await pages(path, labelSelector, signal);
        if (items === "unknown") {
          discovered.delete(type.apiVersion);
          return undefined;
        }
        if (items !== "expired") return items.map((item) => whole(type, item));
        if (attempt === listAttempts) throw client.unreachable(`GET ${path}`, "its pages expired while it was read");
      }
    },

    async get(type, name, namespace, signal) {
      const resource = await resourceOf(type, signal);
      if (resource === undefined) return undefined;
      const path = `${resourcePath(type, resource, namespace)}/${encodeURIComponent(name)}`;
      const reply = await client.send({ method: "GET", path, signal });
      if (reply.status === 404) return undefined;
      assertDone(`GET ${path}`, reply);
      return whole(type, read(objectSchema, `GET ${path}`, reply));
    },

    async restart({ kind, namespace, name }: RestartedWorkload, at, signal) {
      const annotations = { "kubectl.kubernetes.io/restartedAt": at };
      const body = { spec: { template: { metadata: { annotations } } } };
      const path = `/apis/apps/v1/namespaces/${encodeURIComponent(namespace)}/${kind.toLowerCase()}s/${encodeURIComponent(name)}`;
      if (!(await change(path, { type: "strategic-merge", body }, signal))) throw gone(kind, namespace, name);
    },

    async reconcile(type, name, namespace, at, signal) {
      const resource = await resourceOf(type, signal);
      if (resource === undefined) throw gone(type.kind, namespace, name);
      const body = { metadata: { annotations: { "reconcile.fluxcd.io/requestedAt": at } } };
      const path = `${resourcePath(type, resource, namespace)}/${encodeURIComponent(name)}`;
      if (!(await change(path, { type: "merge", body }, signal))) throw gone(type.kind, namespace, name);
    },

    async logs({ namespace, name, container }, { sinceSeconds, bytes }, signal) {
      const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/log`;
      const tailLines = String(Math.max(1, Math.ceil(bytes / shortestLine)));
      // Not limitBytes: it counts from the beginning.
      const query = { container, sinceSeconds: String(Math.max(1, Math.ceil(sinceSeconds))), tailLines };
      const reply = await client.send({ method: "GET", path, query, tailBytes: bytes, signal });
      // 400: the container has not begun, or there is none of that name.
      if (reply.status === 404 || reply.status === 400) return undefined;
      assertDone(`GET ${path}`, reply);
      return reply.cut ? fromWholeLine(reply.text) : reply.text;
    },

    close: () => client.close(),
  };
}

const groupPath = (apiVersion: string): string =>
  apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;

function resourcePath({ apiVersion }: ResourceType, { name, namespaced }: Resource, namespace: string | undefined) {
  const inside = namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  return `${groupPath(apiVersion)}${inside}/${name}`;
}

/** Without the rest of a line whose beginning was cut off, unless there is no other. */
function fromWholeLine(text: string): string {
  const end = text.indexOf("\n");
  return end < 0 || end === text.length - 1 ? text : text.slice(end + 1);
}
