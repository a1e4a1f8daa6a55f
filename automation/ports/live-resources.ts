import type { ScannedResource } from "../stateless/finding.ts";

/**
 * What really runs on a platform, as the stateless rules take it. What nobody declared in the platform's stack is not seen:
 * an object that somebody made by hand, or that a controller made of a declared one.
 */
export interface LiveResources {
  /** As it is now, not as it was declared. Errors: compliance-unreadable. */
  read(platform: string, signal: AbortSignal): Promise<readonly ScannedResource[]>;
}
