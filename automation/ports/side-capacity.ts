/** How many instances of a platform take requests now. */
export interface SideCapacity {
  /** `unknown` where it cannot be said, which is not zero. */
  ready(platform: string, signal?: AbortSignal): Promise<number | "unknown">;
}
