import type { Backend } from "./backend.ts";

/** What the router needs to know of a request to route it. Header names are lower case. */
export interface RouteRequest {
  readonly method: string;
  /** The Host header, lower case, with its port if it has one. */
  readonly host: string;
  /** Path and query; starts with a slash. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** Where a request goes. */
export type Selection =
  | {
      readonly kind: "backend";
      readonly backend: Backend;
      /** The platform whose weight or header route was chosen: the value of the side header, empty if the route stamps none. */
      readonly side: string;
      /** Whether the weighted default route chose it (false: a header-matched dark route). */
      readonly weighted: boolean;
      readonly responseHeaders: readonly (readonly [string, string])[];
      readonly requestHeaders: readonly (readonly [string, string])[];
    }
  | { readonly kind: "redirect"; readonly status: number; readonly location: string }
  | { readonly kind: "answer"; readonly status: number; readonly body: string };

/** One listener's routes, immutable; a change is a new table. */
export interface RoutingTable {
  /** `random` is in [0, 1) and decides between weights. */
  select(request: RouteRequest, random: number): Selection;
}
