import type { RoutingTable } from "../router/routing-table.ts";
import type { Clock } from "../runtime/clock.ts";
import type { BackendServices } from "./backend-services.ts";
import type { ForwardingRule, Listener } from "./compute.ts";
import type { ListenerPorts } from "./listener-ports.ts";
import { createPropagation } from "./propagation.ts";
import { partialPath, projectOf, shortName } from "./references.ts";
import type { ResourceStore } from "./resource-store.ts";
import { compileRoutes, emptyRoutes, sideHeader } from "./routes.ts";
import { tokens } from "./tokens.ts";
import type { UrlMapContent } from "./url-map-schema.ts";
import type { UrlMaps } from "./url-maps.ts";

/** Opens HTTP listeners on loopback: the router, as the balancer needs it. */
export interface ListenerHost {
  /** Errors: those of listen, EADDRINUSE among them. */
  open(options: {
    readonly name: string;
    readonly port: number;
    readonly scheme: "http" | "https";
    readonly routes: RoutingTable;
  }): Promise<OpenListener>;
}

export interface OpenListener {
  setRoutes(routes: RoutingTable): void;
  /** Refuses new connections; requests in flight end. */
  close(): Promise<void>;
}

export interface LoadBalancerOptions {
  readonly resources: ResourceStore;
  readonly urlMaps: UrlMaps;
  readonly backendServices: BackendServices;
  readonly host: ListenerHost;
  readonly ports: ListenerPorts;
  readonly clock: Clock;
  readonly propagationDelayMs: () => number;
}

/** The data plane: listeners of forwarding rules with the routes that have reached it. */
export interface LoadBalancer {
  open(rule: ForwardingRule): Promise<Listener>;
  close(rulePath: string): Promise<void>;
  listeners(): readonly Listener[];
  /** Percent per platform of the default routes as the data plane applies them now. */
  weights(): Readonly<Record<string, number>>;
  shutdown(): Promise<void>;
}

interface Running {
  readonly rule: ForwardingRule;
  readonly listener: Listener;
  readonly open: OpenListener;
}

export function createLoadBalancer(options: LoadBalancerOptions): LoadBalancer {
  const { resources, urlMaps, backendServices } = options;
  const running = new Map<string, Running>();
  /** What the data plane has, by the URL map's path. */
  const applied = new Map<string, UrlMapContent>();
  const published = new Map<string, string>();

  const propagation = createPropagation<UrlMapContent>({
    clock: options.clock,
    delayMs: options.propagationDelayMs,
    apply(path, content) {
      if (content === undefined) applied.delete(path);
      else applied.set(path, content);
      refresh();
    },
  });

  /** After a restart the data plane has what it had. */
  function begin(): void {
    for (const { project, map, content } of urlMaps.list()) {
      const path = `projects/${project}/global/urlMaps/${map.name}`;
      published.set(path, map.fingerprint);
      applied.set(path, content);
    }
  }

  function publish(): void {
    const present = new Set<string>();
    for (const { project, map, content } of urlMaps.list()) {
      const path = `projects/${project}/global/urlMaps/${map.name}`;
      present.add(path);
      if (published.get(path) === map.fingerprint) continue;
      published.set(path, map.fingerprint);
      propagation.publish(path, content);
    }
    for (const path of [...published.keys()].filter((known) => !present.has(known))) {
      published.delete(path);
      propagation.publish(path, undefined);
    }
  }

  function urlMapOf(rule: ForwardingRule): string | undefined {
    const target = partialPath(rule.target, rule.project);
    const proxy = resources.get(tokens.httpsProxy, target) ?? resources.get(tokens.httpProxy, target);
    const urlMap = proxy?.inputs["urlMap"];
    return typeof urlMap === "string" ? partialPath(urlMap, rule.project) : undefined;
  }

  function routesOf(rule: ForwardingRule): RoutingTable {
    const path = urlMapOf(rule);
    const content = path === undefined ? undefined : applied.get(path);
    if (path === undefined || content === undefined) return emptyRoutes;
    const project = projectOf(path) ?? rule.project;
    return compileRoutes(content, {
      backend: (reference) => backendServices.get(partialPath(reference, project)),
      scheme: rule.scheme,
    });
  }

  function refresh(): void {
    for (const { rule, open } of running.values()) open.setRoutes(routesOf(rule));
  }

  backendServices.reconcile();
  begin();
  const stops = [
    urlMaps.onChange(publish),
    resources.onChange(() => {
      backendServices.reconcile();
      refresh();
    }),
  ];

  return {
    async open(rule) {
      const current = running.get(rule.path);
      if (current !== undefined) {
        running.set(rule.path, { ...current, rule });
        current.open.setRoutes(routesOf(rule));
        return current.listener;
      }
      const name = shortName(rule.path);
      return options.ports.assign(name, async (port) => {
        const open = await options.host.open({ name, port, scheme: rule.scheme, routes: routesOf(rule) });
        const listener = { name, url: `http://127.0.0.1:${port}`, port };
        running.set(rule.path, { rule, listener, open });
        return listener;
      });
    },
    async close(rulePath) {
      const current = running.get(rulePath);
      running.delete(rulePath);
      await current?.open.close();
    },
    listeners: () => [...running.values()].map(({ listener }) => listener),
    weights() {
      const used = new Set([...running.values()].map(({ rule }) => urlMapOf(rule)));
      const weights: Record<string, number> = {};
      for (const path of used) {
        const entries =
          (path === undefined ? undefined : applied.get(path))?.defaultRouteAction?.weightedBackendServices ?? [];
        const total = entries.reduce((sum, entry) => sum + entry.weight, 0);
        for (const entry of entries) {
          const header = entry.headerAction?.responseHeadersToAdd?.find(
            ({ headerName }) => headerName.toLowerCase() === sideHeader,
          );
          const side = header?.headerValue ?? shortName(entry.backendService);
          weights[side] = total === 0 ? 0 : Math.round((entry.weight / total) * 1000) / 10;
        }
      }
      return weights;
    },
    async shutdown() {
      for (const stop of stops) stop();
      propagation.close();
      backendServices.close();
      const open = [...running.values()];
      running.clear();
      await Promise.all(open.map((entry) => entry.open.close()));
    },
  };
}
