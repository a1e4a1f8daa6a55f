/** The Git host of guard, as configured. */
import { resolve } from "node:path";
import { createGitLab } from "../adapters/gitlab.ts";
import { readSecret } from "../adapters/secret-reference.ts";
import { systemClock } from "../adapters/system-clock.ts";
import { type GuardConfig, guardConfig } from "../guard/settings.ts";
import type { GitHost } from "../ports/git-host.ts";

export interface GitHostSurroundings {
  /** The checkout. */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Section `guard`; default its defaults. */
  readonly config: GuardConfig | undefined;
  /** Instead of the configured address. */
  readonly url?: string | undefined;
  /** Instead of where the configured token is. */
  readonly tokenFrom?: string | undefined;
}

/** Errors: credentials-missing, credentials-over-http. */
export async function openGitHost({ root, env, config, url, tokenFrom }: GitHostSurroundings): Promise<GitHost> {
  const { gitlab, aws, rate_limits: limits } = config ?? guardConfig.parse({});
  const token = await readSecret(tokenFrom ?? gitlab.token_from, {
    env,
    pathOf: (path) => resolve(root, path),
    awsRegion: aws.region,
  });
  return createGitLab({
    url: url ?? gitlab.url,
    token,
    clock: systemClock,
    limits: { perMinute: limits.gitlab_api },
  });
}
