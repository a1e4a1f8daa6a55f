import type { RouteRequest, Selection } from "../router/routing-table.ts";
import type { UrlRedirect } from "./url-map-schema.ts";

const statuses = {
  MOVED_PERMANENTLY_DEFAULT: 301,
  FOUND: 302,
  SEE_OTHER: 303,
  TEMPORARY_REDIRECT: 307,
  PERMANENT_REDIRECT: 308,
} as const satisfies Record<NonNullable<UrlRedirect["redirectResponseCode"]>, number>;

/** Where a redirect sends a request. A change of scheme drops the port, as the balancer's own ports are the schemes'. */
export function redirectOf(redirect: UrlRedirect, request: RouteRequest, scheme: "http" | "https"): Selection {
  const target = redirect.httpsRedirect === true ? "https" : scheme;
  const host = redirect.hostRedirect ?? (target === scheme ? request.host : request.host.replace(/:\d*$/, ""));
  const at = request.path.indexOf("?");
  const path = at < 0 ? request.path : request.path.slice(0, at);
  const query = at < 0 || redirect.stripQuery === true ? "" : request.path.slice(at);
  return {
    kind: "redirect",
    status: statuses[redirect.redirectResponseCode ?? "MOVED_PERMANENTLY_DEFAULT"],
    location: `${target}://${host}${redirect.pathRedirect ?? redirect.prefixRedirect ?? path}${query}`,
  };
}
