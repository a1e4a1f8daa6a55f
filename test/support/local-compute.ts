import { join } from "node:path";
import type { Compute, ZonalEndpointGroup } from "../../local/compute/compute.ts";
import { serveRest } from "../../local/compute/rest.ts";
import { openUrlMaps } from "../../local/compute/url-maps.ts";
import { createRequestLog, type RequestLog } from "../../local/router/request-log.ts";
import type { Clock } from "../../local/runtime/clock.ts";
import { systemClock } from "../../local/runtime/system-clock.ts";

export interface LocalComputeOptions {
  /** For url-maps.json. */
  readonly folder: string;
  /** Google's whole-number weights by platform, the first state of the map. */
  readonly weights: Readonly<Record<string, number>>;
  readonly endpointGroups?: () => readonly ZonalEndpointGroup[];
  /** Default 0. */
  readonly logDelayMs?: () => number;
  /** Default the system's. */
  readonly clock?: Clock;
}

export interface LocalCompute {
  readonly endpoint: string;
  readonly loggingEndpoint: string;
  /** What the balancer's listeners log; that of the map is `<urlMap>-https`. */
  readonly log: RequestLog;
  readonly token: string;
  readonly project: string;
  readonly urlMap: string;
  /** Adds to the map's description, as somebody else might. */
  describe(text: string): Promise<void>;
  /** The map as the API has it. */
  map(): unknown;
  close(): Promise<void>;
}

const project = "switchyard-local";
const urlMap = "kiro";
const token = "token-of-a-test";

/** The local cloud's REST server over real URL maps, without listeners and backends. */
export async function startLocalCompute(options: LocalComputeOptions): Promise<LocalCompute> {
  const urlMaps = await openUrlMaps({
    path: join(options.folder, "url-maps.json"),
    clock: systemClock,
    backendServiceExists: () => true,
    usedBy: () => undefined,
  });
  await urlMaps.insert(project, {
    name: urlMap,
    defaultRouteAction: {
      weightedBackendServices: Object.entries(options.weights).map(([platform, weight]) => ({
        backendService: `projects/${project}/global/backendServices/kiro-${platform}`,
        weight,
      })),
    },
  });
  const absent = (): never => {
    throw new Error("this test has no listeners");
  };
  const compute: Compute = {
    urlMaps,
    listeners: { open: absent, close: absent, list: () => [] },
    routing: (listener) =>
      listener === `${urlMap}-https`
        ? { project, scheme: "https", targetProxy: `${urlMap}-https`, urlMap }
        : { project, scheme: "https", targetProxy: "other", urlMap: "other" },
    weights: () => ({}),
    endpointGroups: options.endpointGroups ?? (() => []),
    userOf: () => undefined,
    close: async () => {},
  };
  const zones = ["us-central1-a", "us-central1-b", "us-central1-c"];
  const log = createRequestLog({ delayMs: options.logDelayMs ?? (() => 0) });
  const server = await serveRest({ compute, token, zones, clock: options.clock ?? systemClock, log });
  return {
    endpoint: server.endpoint,
    loggingEndpoint: server.loggingEndpoint,
    log,
    token,
    project,
    urlMap,
    async describe(text) {
      const map = urlMaps.get(project, urlMap);
      const description = `${text} ${String(map?.["description"] ?? "")}`.trim();
      await urlMaps.patch(project, urlMap, { description }, map?.fingerprint);
    },
    map: () => urlMaps.get(project, urlMap),
    close: () => server.close(),
  };
}
