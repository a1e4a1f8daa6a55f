import type { Properties } from "./resources.ts";

/** A URL map in the shape of Google's REST API v1 (compute#urlMap). */
export type UrlMap = Properties & { name: string; fingerprint: string };

/** Thrown by updates that quote a fingerprint of the past: HTTP 412, conditionNotMet. Nothing was changed. */
export class FingerprintConflictError extends Error {
  readonly status = 412;
  readonly reason = "conditionNotMet";
  constructor() {
    super("Invalid fingerprint.");
    this.name = "FingerprintConflictError";
  }
}

/** Google Compute's load-balancing side: URL maps with fingerprints, and everything that turns resources into routes. */
export interface Compute {
  readonly urlMaps: {
    get(project: string, name: string): UrlMap | undefined;
    insert(project: string, urlMap: Properties): Promise<UrlMap>;
    /** Fields given replace the map's (PATCH). Errors: FingerprintConflictError. */
    patch(project: string, name: string, fields: Properties, fingerprint: string | undefined): Promise<UrlMap>;
    /** The whole map is replaced (PUT). Errors: FingerprintConflictError. */
    update(project: string, name: string, urlMap: Properties, fingerprint: string | undefined): Promise<UrlMap>;
    delete(project: string, name: string): Promise<void>;
  };
}
