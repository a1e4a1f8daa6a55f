import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { BodyTooLargeError, hasToken, isLoopbackHost, readJson, sendJson } from "../daemon/loopback-request.ts";
import type { RequestLog } from "../router/request-log.ts";
import type { Clock } from "../runtime/clock.ts";
import { zonalGroupPath } from "./backend-services.ts";
import { type Compute, FingerprintConflictError, type ZonalEndpointGroup } from "./compute.ts";
import { endpointGroupFilter } from "./endpoint-group-filter.ts";
import { propertiesSchema } from "./file-resource-store.ts";
import { GoogleError, notFound } from "./google-error.ts";
import { createLogReader, type LogReader } from "./log-entries.ts";
import { createOperations, type Operations } from "./operations.ts";
import { selfLink } from "./references.ts";
import type { Properties } from "./resources.ts";
import { numericId } from "./url-maps.ts";

/** The subset of Google's REST APIs (compute v1, logging v2) that a traffic engine needs, on a loopback port of its own. */
export interface RestServer {
  /** In the form of CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE: http://127.0.0.1:PORT/compute/v1/ */
  readonly endpoint: string;
  /** In the form of CLOUDSDK_API_ENDPOINT_OVERRIDES_LOGGING: http://127.0.0.1:PORT/ */
  readonly loggingEndpoint: string;
  close(): Promise<void>;
}

export interface RestOptions {
  readonly compute: Compute;
  readonly token: string;
  readonly zones: readonly string[];
  readonly clock: Clock;
  /** The balancer's request log, as Cloud Logging serves it at /v2/entries:list. */
  readonly log: RequestLog;
}

interface Call {
  readonly method: string;
  readonly project: string;
  readonly query: URLSearchParams;
  readonly body: () => Promise<Properties>;
}

interface Context extends RestOptions {
  readonly operations: Operations;
  readonly logReader: LogReader;
}

interface Route {
  readonly method: string;
  /** Segments after projects/P; `:name` takes any. */
  readonly pattern: string;
  answer(context: Context, call: Call, parameters: Readonly<Record<string, string>>): Promise<object> | object;
}

const routes: readonly Route[] = [
  { method: "GET", pattern: "global/urlMaps", answer: listUrlMaps },
  { method: "GET", pattern: "global/urlMaps/:name", answer: getUrlMap },
  { method: "PATCH", pattern: "global/urlMaps/:name", answer: changeUrlMap },
  { method: "PUT", pattern: "global/urlMaps/:name", answer: changeUrlMap },
  { method: "GET", pattern: "global/operations/:name", answer: getOperation },
  { method: "POST", pattern: "global/operations/:name/wait", answer: getOperation },
  { method: "GET", pattern: "aggregated/networkEndpointGroups", answer: aggregateEndpointGroups },
  { method: "GET", pattern: "zones/:zone/networkEndpointGroups", answer: listEndpointGroups },
  { method: "GET", pattern: "zones/:zone/networkEndpointGroups/:name", answer: getEndpointGroup },
];

/** Query parameters that every method takes; those without effect on JSON are ignored, as Google does. */
const knownParameters: ReadonlySet<string> = new Set([
  "alt",
  "fields",
  "filter",
  "key",
  "maxResults",
  "pageToken",
  "prettyPrint",
  "quotaUser",
  "requestId",
]);

export async function serveRest(options: RestOptions): Promise<RestServer> {
  const context = { ...options, operations: createOperations(options.clock), logReader: createLogReader(options) };
  const server = createServer((request, response) => void handle(context, request, response));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    endpoint: `http://127.0.0.1:${port}/compute/v1/`,
    loggingEndpoint: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function handle(context: Context, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    sendJson(response, 200, await answer(context, request));
  } catch (error) {
    const known = asGoogleError(error);
    if (known.status === 401) response.setHeader("www-authenticate", "Bearer");
    if (known.status === 413) response.setHeader("connection", "close");
    sendJson(response, known.status, errorBody(known));
  }
}

async function answer(context: Context, request: IncomingMessage): Promise<object> {
  if (!isLoopbackHost(request)) throw new GoogleError(400, "badRequest", "The Host header does not name this server.");
  if (!hasToken(request, context.token)) {
    throw new GoogleError(
      401,
      "authError",
      "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.",
    );
  }
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const method = request.method ?? "GET";
  if (method === "POST" && url.pathname === "/v2/entries:list") return context.logReader.list(await readJson(request));
  const segments = /^\/compute\/v1\/projects\/([^/]+)\/(.+)$/.exec(url.pathname);
  for (const route of segments === null ? [] : routes) {
    const parameters = route.method === method ? matchPath(route.pattern, segments?.[2] ?? "") : undefined;
    if (parameters === undefined) continue;
    for (const name of url.searchParams.keys()) {
      if (!knownParameters.has(name)) {
        throw new GoogleError(
          400,
          "badRequest",
          `Invalid JSON payload received. Unknown name "${name}": Cannot bind query parameter. Field '${name}' could not be found in request message.`,
        );
      }
    }
    const call = { method, project: segments?.[1] ?? "", query: url.searchParams, body: () => readBody(request) };
    return route.answer(context, call, parameters);
  }
  throw new GoogleError(404, "notFound", `The requested URL ${method} ${url.pathname} was not found on this server.`);
}

function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split("/");
  const given = path.split("/");
  if (wanted.length !== given.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? "";
    if (part.startsWith(":")) parameters[part.slice(1)] = value;
    else if (part !== value) return undefined;
  }
  return parameters;
}

async function readBody(request: IncomingMessage): Promise<Properties> {
  const parsed = propertiesSchema.safeParse(await readJson(request));
  if (!parsed.success)
    throw new GoogleError(400, "parseError", "Invalid JSON payload received. An object is expected.");
  return parsed.data;
}

function listUrlMaps({ compute }: Context, { project }: Call): object {
  return {
    kind: "compute#urlMapList",
    id: `projects/${project}/global/urlMaps`,
    items: compute.urlMaps.list(project).map(({ map }) => map),
    selfLink: selfLink(`projects/${project}/global/urlMaps`),
  };
}

function getUrlMap({ compute }: Context, { project }: Call, { name = "" }: Readonly<Record<string, string>>): object {
  const map = compute.urlMaps.get(project, name);
  if (map === undefined) throw notFound(`projects/${project}/global/urlMaps/${name}`);
  return map;
}

async function changeUrlMap(
  context: Context,
  call: Call,
  { name = "" }: Readonly<Record<string, string>>,
): Promise<object> {
  const { compute, operations } = context;
  const { project } = call;
  const requestId = call.query.get("requestId") ?? undefined;
  const earlier = requestId === undefined ? undefined : operations.ofRequest(project, requestId);
  if (earlier !== undefined) return earlier;
  const body = await call.body();
  const given = body["fingerprint"];
  const fingerprint = typeof given === "string" ? given : undefined;
  const map =
    call.method === "PATCH"
      ? await compute.urlMaps.patch(project, name, body, fingerprint)
      : await compute.urlMaps.update(project, name, { name, ...body }, fingerprint);
  const target = { link: String(map["selfLink"]), id: String(map["id"]) };
  return operations.begin(project, call.method === "PATCH" ? "patch" : "update", target, requestId);
}

function getOperation(
  { operations }: Context,
  { project }: Call,
  { name = "" }: Readonly<Record<string, string>>,
): object {
  const operation = operations.get(project, name);
  if (operation === undefined) throw notFound(`projects/${project}/global/operations/${name}`);
  return operation;
}

function aggregateEndpointGroups({ compute, zones }: Context, { project, query }: Call): object {
  const groups = compute.endpointGroups(project).filter(endpointGroupFilter(query.get("filter")));
  const allZones = [...new Set([...zones, ...groups.map((group) => group.zone)])].toSorted();
  return {
    kind: "compute#networkEndpointGroupAggregatedList",
    id: `projects/${project}/aggregated/networkEndpointGroups`,
    items: Object.fromEntries(
      allZones.map((zone) => {
        const inZone = groups.filter((group) => group.zone === zone);
        return [
          `zones/${zone}`,
          inZone.length === 0 ? noResults(`zones/${zone}`) : { networkEndpointGroups: inZone.map(printGroup) },
        ];
      }),
    ),
    selfLink: selfLink(`projects/${project}/aggregated/networkEndpointGroups`),
  };
}

function noResults(scope: string): object {
  return {
    warning: {
      code: "NO_RESULTS_ON_PAGE",
      message: `There are no results for scope '${scope}' on this page.`,
      data: [{ key: "scope", value: scope }],
    },
  };
}

function listEndpointGroups({ compute }: Context, call: Call, { zone = "" }: Readonly<Record<string, string>>): object {
  const groups = compute.endpointGroups(call.project).filter(endpointGroupFilter(call.query.get("filter")));
  return {
    kind: "compute#networkEndpointGroupList",
    id: `projects/${call.project}/zones/${zone}/networkEndpointGroups`,
    items: groups.filter((group) => group.zone === zone).map(printGroup),
    selfLink: selfLink(`projects/${call.project}/zones/${zone}/networkEndpointGroups`),
  };
}

function getEndpointGroup(
  { compute }: Context,
  { project }: Call,
  { zone = "", name = "" }: Readonly<Record<string, string>>,
): object {
  const group = compute.endpointGroups(project).find((other) => other.zone === zone && other.name === name);
  if (group === undefined) throw notFound(zonalGroupPath(project, zone, name));
  return printGroup(group);
}

/** A zonal group in the API's shape. */
function printGroup(group: ZonalEndpointGroup): object {
  const path = zonalGroupPath(group.project, group.zone, group.name);
  return {
    kind: "compute#networkEndpointGroup",
    id: numericId(path),
    name: group.name,
    zone: selfLink(`projects/${group.project}/zones/${group.zone}`),
    networkEndpointType: "GCE_VM_IP_PORT",
    size: group.size,
    selfLink: selfLink(path),
  };
}

interface ApiError {
  readonly status: number;
  readonly reason: string;
  readonly message: string;
}

function asGoogleError(error: unknown): ApiError {
  if (error instanceof GoogleError || error instanceof FingerprintConflictError) return error;
  if (error instanceof BodyTooLargeError) return new GoogleError(413, "uploadTooLarge", error.message);
  if (error instanceof SyntaxError) {
    return new GoogleError(400, "parseError", `Invalid JSON payload received. ${error.message}`);
  }
  const text = error instanceof Error ? error.message : String(error);
  return new GoogleError(500, "backendError", `Internal error: ${text}`);
}

function errorBody({ status, reason, message }: ApiError): object {
  // The newer services have one word for the kind, in capitals, and no list.
  if (reason === reason.toUpperCase()) return { error: { code: status, message, status: reason } };
  return { error: { code: status, message, errors: [{ message, domain: "global", reason }] } };
}
