/** A node as an API server sees it, as far as logs of containers go. */
import { createServer } from "node:https";
import { z } from "zod";
import type { Manifest } from "./control-plane.ts";

export interface Kubelet {
  /** The node, with the address at which it is found. */
  readonly node: Manifest;
  write(pod: { readonly namespace: string; readonly name: string; readonly container: string }, text: string): void;
  close(): Promise<void>;
}

/** `certificate`, `key`: PEM; an API server checks them only when it is told to. */
export async function startKubelet(name: string, certificate: string, key: string): Promise<Kubelet> {
  const logs = new Map<string, string>();
  const server = createServer({ cert: certificate, key }, (request, response) => {
    const url = new URL(request.url ?? "/", "https://kubelet");
    const log = logs.get(url.pathname.replace(/^\/containerLogs\//, ""));
    if (log === undefined) {
      response.writeHead(404).end("no such container\n");
      return;
    }
    const lines = log.split("\n").slice(0, -1);
    const tail = url.searchParams.get("tailLines");
    const last = tail === null ? lines : lines.slice(-Number(tail));
    response.writeHead(200, { "content-type": "text/plain" }).end(last.map((line) => `${line}\n`).join(""));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = z.object({ port: z.number() }).parse(server.address());
  return {
    node: {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name },
      status: {
        addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
        daemonEndpoints: { kubeletEndpoint: { Port: port } },
      },
    },
    write: (pod, text) => void logs.set(`${pod.namespace}/${pod.name}/${pod.container}`, text),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
