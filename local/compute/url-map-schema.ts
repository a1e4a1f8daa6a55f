import { z } from "zod";
import { GoogleError } from "./google-error.ts";

/** Google's REST shape of a URL map (compute v1), as far as the local data plane acts on it. */

const headerToAdd = z.strictObject({
  headerName: z.string().min(1),
  headerValue: z.string(),
  replace: z.boolean().optional(),
});

const headerAction = z.strictObject({
  requestHeadersToAdd: z.array(headerToAdd).optional(),
  responseHeadersToAdd: z.array(headerToAdd).optional(),
});

const weightedBackendService = z.strictObject({
  backendService: z.string().min(1),
  weight: z.int().min(0).max(1000),
  headerAction: headerAction.optional(),
});

const routeAction = z.strictObject({
  weightedBackendServices: z.array(weightedBackendService).optional(),
  timeout: z
    .strictObject({ seconds: z.union([z.string().regex(/^\d+$/), z.int().min(0)]), nanos: z.int().min(0).optional() })
    .optional(),
});

const urlRedirect = z.strictObject({
  hostRedirect: z.string().optional(),
  httpsRedirect: z.boolean().optional(),
  pathRedirect: z.string().optional(),
  prefixRedirect: z.string().optional(),
  redirectResponseCode: z
    .enum(["MOVED_PERMANENTLY_DEFAULT", "FOUND", "SEE_OTHER", "TEMPORARY_REDIRECT", "PERMANENT_REDIRECT"])
    .optional(),
  stripQuery: z.boolean().optional(),
});

const headerMatch = z.strictObject({
  headerName: z.string().min(1),
  exactMatch: z.string().optional(),
  prefixMatch: z.string().optional(),
  suffixMatch: z.string().optional(),
  presentMatch: z.boolean().optional(),
  invertMatch: z.boolean().optional(),
});

const queryParameterMatch = z.strictObject({
  name: z.string().min(1),
  exactMatch: z.string().optional(),
  presentMatch: z.boolean().optional(),
});

const matchRule = z.strictObject({
  prefixMatch: z.string().startsWith("/").optional(),
  fullPathMatch: z.string().startsWith("/").optional(),
  ignoreCase: z.boolean().optional(),
  headerMatches: z.array(headerMatch).optional(),
  queryParameterMatches: z.array(queryParameterMatch).optional(),
});

const routeRule = z.strictObject({
  priority: z.int().min(0).max(2147483647),
  description: z.string().optional(),
  matchRules: z.array(matchRule).optional(),
  service: z.string().optional(),
  routeAction: routeAction.optional(),
  urlRedirect: urlRedirect.optional(),
  headerAction: headerAction.optional(),
});

const pathRule = z.strictObject({
  paths: z.array(z.string().startsWith("/")).min(1),
  service: z.string().optional(),
  routeAction: routeAction.optional(),
  urlRedirect: urlRedirect.optional(),
});

const pathMatcher = z.strictObject({
  name: z.string().min(1),
  description: z.string().optional(),
  defaultService: z.string().optional(),
  defaultRouteAction: routeAction.optional(),
  defaultUrlRedirect: urlRedirect.optional(),
  headerAction: headerAction.optional(),
  pathRules: z.array(pathRule).optional(),
  routeRules: z.array(routeRule).optional(),
});

const hostRule = z.strictObject({
  description: z.string().optional(),
  hosts: z.array(z.string().min(1)).min(1),
  pathMatcher: z.string().min(1),
});

const urlMapContentSchema = z.strictObject({
  name: z.string().regex(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/),
  description: z.string().optional(),
  defaultService: z.string().optional(),
  defaultRouteAction: routeAction.optional(),
  defaultUrlRedirect: urlRedirect.optional(),
  headerAction: headerAction.optional(),
  hostRules: z.array(hostRule).optional(),
  pathMatchers: z.array(pathMatcher).optional(),
});

/** What a caller may set. */
export type UrlMapContent = z.infer<typeof urlMapContentSchema>;
export type RouteAction = z.infer<typeof routeAction>;
export type UrlRedirect = z.infer<typeof urlRedirect>;
export type HeaderAction = z.infer<typeof headerAction>;
export type HeaderMatch = z.infer<typeof headerMatch>;
export type MatchRule = z.infer<typeof matchRule>;
export type PathMatcher = z.infer<typeof pathMatcher>;

/** Fields that the API prints and ignores in requests. */
export const outputOnlyFields = ["kind", "id", "creationTimestamp", "selfLink", "fingerprint"] as const;

/** Fields that Google has and the local data plane does not act on; refused, because ignoring them would be a lie. */
const notSimulated: ReadonlySet<string> = new Set([
  "cachePolicy",
  "corsPolicy",
  "customErrorResponsePolicy",
  "defaultCustomErrorResponsePolicy",
  "faultInjectionPolicy",
  "httpFilterConfigs",
  "httpFilterMetadata",
  "maxStreamDuration",
  "metadataFilters",
  "pathTemplateMatch",
  "rangeMatch",
  "regexMatch",
  "requestHeadersToRemove",
  "requestMirrorPolicy",
  "responseHeadersToRemove",
  "retryPolicy",
  "tests",
  "urlRewrite",
]);

/** Parses what a caller sent. Errors: GoogleError 400 with the path. */
export function parseUrlMapContent(json: unknown): UrlMapContent {
  const parsed = urlMapContentSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  if (issue === undefined) throw new GoogleError(400, "invalid", "Invalid JSON payload received.");
  const path = fieldPath(issue.path);
  if (issue.code === "unrecognized_keys") {
    const key = issue.keys[0] ?? "";
    throw new GoogleError(
      400,
      "invalid",
      notSimulated.has(key)
        ? `Invalid value for field '${path}.${key}': the local cloud does not simulate ${key}.`
        : `Invalid JSON payload received. Unknown name "${key}" at '${path}': Cannot find field.`,
    );
  }
  const value = valueAt(json, issue.path);
  if (value === undefined && issue.code === "invalid_type") {
    throw new GoogleError(400, "required", `Required field '${path}' not specified`);
  }
  const shown = typeof value === "object" ? "" : String(value);
  throw new GoogleError(400, "invalid", `Invalid value for field '${path}': '${shown}'. ${issue.message}.`);
}

function fieldPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) => (typeof part === "number" ? `${text}[${part}]` : `${text}.${String(part)}`),
    "resource",
  );
}

function valueAt(json: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) => (typeof value === "object" && value !== null ? Reflect.get(value, part) : undefined),
    json,
  );
}
