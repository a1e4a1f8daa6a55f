import { join } from "node:path";
import type { Compute, ZonalEndpointGroup } from "../../local/compute/compute.ts";
import { serveRest } from "../../local/compute/rest.ts";
import { openUrlMaps } from "../../local/compute/url-maps.ts";
import { systemClock } from "../../local/runtime/system-clock.ts";

export interface LocalComputeOptions {
  /** For url-maps.json. */
  readonly folder: string;
  /** Google's whole-number weights by platform, the first state of the map. */
  readonly weights: Readonly<Record<string, number>>;
  readonly endpointGroups?: () => readonly ZonalEndpointGroup[];
}

export interface LocalCompute {
  readonly endpoint: string;
  readonly token: string;
  readonly project: string;
  readonly urlMap: string;
  /** Changes the map's description, as somebody else might. */
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
    weights: () => ({}),
    endpointGroups: options.endpointGroups ?? (() => []),
    userOf: () => undefined,
    close: async () => {},
  };
  const zones = ["us-central1-a", "us-central1-b", "us-central1-c"];
  const server = await serveRest({ compute, token, zones, clock: systemClock });
  return {
    endpoint: server.endpoint,
    token,
    project,
    urlMap,
    async describe(description) {
      await urlMaps.patch(project, urlMap, { description }, urlMaps.get(project, urlMap)?.fingerprint);
    },
    map: () => urlMaps.get(project, urlMap),
    close: () => server.close(),
  };
}
