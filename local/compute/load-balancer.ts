import type { RoutingTable } from "../router/routing-table.ts";
import type { Clock } from "../runtime/clock.ts";
import type { BackendServices } from "./backend-services.ts";
import type { ForwardingRule, Listener, ListenerRouting } from "./compute.ts";
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
    /** How many workers share the port; each routes by the table that it has. */
    readonly workers: number;
    /** The first table of each worker, by its number from 0. */
    readonly routes: (worker: number) => RoutingTable;
  }): Promise<OpenListener>;
}

export interface OpenListener {
  setRoutes(routes: RoutingTable, worker: number): void;
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
  readonly following: Following;
}

/** How the data plane follows the API; asked at each change. */
export interface Following {
  /** Workers of a listener that opens now, 1 to mostWorkers. */
  workers(): number;
  /** From a change to the first worker that has it, ms. */
  delayMs(): number;
  /** From the first worker to the last, ms; the others are spread evenly between. */
  spreadMs(): number;
  /** false: each worker falls back to the older routes once before it has the new ones for good. */
  inOrder(): boolean;
}

/** Workers that a listener may have. */
export const mostWorkers = 16;

/** The data plane: listeners of forwarding rules with the routes that have reached it. */
export interface LoadBalancer {
  open(rule: ForwardingRule): Promise<Listener>;
  close(rulePath: string): Promise<void>;
  listeners(): readonly Listener[];
  routing(listener: string): ListenerRouting | undefined;
  /** Percent per platform of the default routes as the data plane applies them now, over all workers; of one listener or of all. */
  weights(listener?: string): Readonly<Record<string, number>>;
  shutdown(): Promise<void>;
}

interface Running {
  readonly rule: ForwardingRule;
  readonly listener: Listener;
  readonly workers: number;
  readonly open: OpenListener;
}

/** What the routes of one worker are made of, by the URL map's path. */
type Applied = Map<string, UrlMapContent>;

export function createLoadBalancer(options: LoadBalancerOptions): LoadBalancer {
  const { resources, urlMaps, backendServices } = options;
  const running = new Map<string, Running>();
  const applied: readonly Applied[] = Array.from({ length: mostWorkers }, () => new Map());
  /** The routes that were handed to the data plane last, by the URL map's path. */
  const published = new Map<string, string>();

  const propagation = createPropagation<UrlMapContent>({
    clock: options.clock,
    targets: mostWorkers,
    delayMs(worker) {
      const { delayMs, spreadMs, workers } = options.following;
      return delayMs() + (spreadMs() * Math.min(worker, workers() - 1)) / Math.max(1, workers() - 1);
    },
    inOrder: options.following.inOrder,
    apply(path, content, worker) {
      if (content === undefined) applied[worker]?.delete(path);
      else applied[worker]?.set(path, content);
      refresh(worker);
    },
  });

  /** After a restart the data plane has what it had. */
  function begin(): void {
    for (const { project, map, content } of urlMaps.list()) {
      const path = `projects/${project}/global/urlMaps/${map.name}`;
      published.set(path, routesText(content));
      for (const worker of applied) worker.set(path, content);
      propagation.seed(path, content);
    }
  }

  function publish(): void {
    const present = new Set<string>();
    for (const { project, map, content } of urlMaps.list()) {
      const path = `projects/${project}/global/urlMaps/${map.name}`;
      present.add(path);
      // A change of the description alone, as a new fencing token is, changes no route.
      const text = routesText(content);
      if (published.get(path) === text) continue;
      published.set(path, text);
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

  function contentOf(rule: ForwardingRule, worker: number): UrlMapContent | undefined {
    const path = urlMapOf(rule);
    return path === undefined ? undefined : applied[worker]?.get(path);
  }

  function routesOf(rule: ForwardingRule, worker: number): RoutingTable {
    const path = urlMapOf(rule);
    const content = contentOf(rule, worker);
    if (path === undefined || content === undefined) return emptyRoutes;
    const project = projectOf(path) ?? rule.project;
    return compileRoutes(content, {
      backend: (reference) => backendServices.get(partialPath(reference, project)),
      scheme: rule.scheme,
    });
  }

  function refresh(worker: number): void {
    for (const { rule, open, workers } of running.values()) {
      if (worker < workers) open.setRoutes(routesOf(rule, worker), worker);
    }
  }

  function refreshAll(): void {
    for (let worker = 0; worker < mostWorkers; worker += 1) refresh(worker);
  }

  /** Percent per platform, the workers' mean: connections are spread evenly over them. */
  function sharesOf({ rule, workers }: Running): Record<string, number> {
    const sums = new Map<string, number>();
    for (let worker = 0; worker < workers; worker += 1) {
      for (const [side, percent] of defaultShares(contentOf(rule, worker))) {
        sums.set(side, (sums.get(side) ?? 0) + percent);
      }
    }
    return Object.fromEntries([...sums].map(([side, sum]) => [side, Math.round((sum / workers) * 10) / 10]));
  }

  backendServices.reconcile();
  begin();
  const stops = [
    urlMaps.onChange(publish),
    resources.onChange(() => {
      backendServices.reconcile();
      refreshAll();
    }),
  ];

  return {
    async open(rule) {
      const current = running.get(rule.path);
      if (current !== undefined) {
        running.set(rule.path, { ...current, rule });
        for (let worker = 0; worker < current.workers; worker += 1) {
          current.open.setRoutes(routesOf(rule, worker), worker);
        }
        return current.listener;
      }
      const name = shortName(rule.path);
      const workers = options.following.workers();
      return options.ports.assign(name, async (port) => {
        const routes = (worker: number): RoutingTable => routesOf(rule, worker);
        const open = await options.host.open({ name, port, scheme: rule.scheme, workers, routes });
        const listener = { name, url: `http://127.0.0.1:${port}`, port };
        running.set(rule.path, { rule, listener, workers, open });
        return listener;
      });
    },
    async close(rulePath) {
      const current = running.get(rulePath);
      running.delete(rulePath);
      await current?.open.close();
    },
    listeners: () => [...running.values()].map(({ listener }) => listener),
    routing(name) {
      const entry = [...running.values()].find(({ listener }) => listener.name === name);
      if (entry === undefined) return undefined;
      const { project, scheme, target } = entry.rule;
      return {
        project,
        scheme,
        targetProxy: shortName(target),
        urlMap: shortName(urlMapOf(entry.rule) ?? ""),
      };
    },
    weights(listener) {
      const weights: Record<string, number> = {};
      for (const entry of running.values()) {
        if (listener !== undefined && entry.listener.name !== listener) continue;
        Object.assign(weights, sharesOf(entry));
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

/** What of a map decides routes. */
function routesText({ description: _description, ...routes }: UrlMapContent): string {
  return JSON.stringify(routes);
}

/** Percent per platform of the weighted default route. */
function defaultShares(content: UrlMapContent | undefined): readonly (readonly [string, number])[] {
  const entries = content?.defaultRouteAction?.weightedBackendServices ?? [];
  const total = entries.reduce((sum, entry) => sum + entry.weight, 0);
  return entries.map((entry) => {
    const header = entry.headerAction?.responseHeadersToAdd?.find(
      ({ headerName }) => headerName.toLowerCase() === sideHeader,
    );
    const side = header?.headerValue ?? shortName(entry.backendService);
    return [side, total === 0 ? 0 : (entry.weight / total) * 100];
  });
}
