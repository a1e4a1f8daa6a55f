/**
 * The lever that is faster than the balancer: the front of every instance of a platform hands its requests to another
 * platform, so that an abort stops hurting before the balancer has followed.
 */
export interface FailBack {
  /** Hands the requests of `platform` to `target`; undefined ends that. Resolves when the flag is stored; instances follow within a second. Errors: fail-back-unreachable. */
  set(platform: string, target: string | undefined, signal?: AbortSignal): Promise<void>;
  /** Where the platform's requests are handed to now; undefined: they are served there. Errors: fail-back-unreachable. */
  read(platform: string, signal?: AbortSignal): Promise<string | undefined>;
}
