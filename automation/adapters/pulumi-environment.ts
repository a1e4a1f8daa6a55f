/** Pure: the environment variables under which the engine, its providers and the clients of the same cloud run. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Environment } from "./pulumi-process.ts";

/** What a local environment is attached to: from the daemon. */
export interface LocalCloudFacts {
  /** Port of each gRPC provider on the loopback address, by the provider's name. */
  readonly providers: Readonly<Record<string, number>>;
  /** http://127.0.0.1:PORT */
  readonly googleEndpoint: string;
  readonly token: string;
}

export interface LocalEnvironmentOptions {
  readonly root: string;
  readonly cloud: LocalCloudFacts;
  /** Default switchyard-local. */
  readonly project?: string;
  /** Default us-central1. */
  readonly region?: string;
  /** Default `<region>-a`. */
  readonly zone?: string;
}

/** Where a checkout's local Pulumi state is. */
export interface LocalPulumiFolders {
  readonly base: string;
  readonly state: string;
  readonly home: string;
  /** Made on first use, readable by the owner alone. */
  readonly passphraseFile: string;
}

export function localPulumiFolders(root: string): LocalPulumiFolders {
  const base = join(root, ".switchyard", "pulumi");
  return { base, state: join(base, "state"), home: join(base, "home"), passphraseFile: join(base, "passphrase") };
}

/**
 * What a local environment sets, nothing inherited: good for `switchyard local env`, for the engine and for Google clients.
 */
export function localEnvironment(options: LocalEnvironmentOptions): Readonly<Record<string, string>> {
  const { root, cloud, project = "switchyard-local", region = "us-central1" } = options;
  const folders = localPulumiFolders(root);
  return {
    PULUMI_BACKEND_URL: pathToFileURL(folders.state).href,
    PULUMI_HOME: folders.home,
    PULUMI_CONFIG_PASSPHRASE_FILE: folders.passphraseFile,
    PULUMI_DEBUG_PROVIDERS: Object.entries(cloud.providers)
      .map(([name, port]) => `${name}:${port}`)
      .join(","),
    // Else every operation after the first loses 2.5 s looking for plugins.
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    GOOGLE_PROJECT: project,
    GOOGLE_REGION: region,
    GOOGLE_ZONE: options.zone ?? `${region}-a`,
    GOOGLE_OAUTH_ACCESS_TOKEN: cloud.token,
    CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE: new URL("/compute/v1/", cloud.googleEndpoint).href,
    CLOUDSDK_API_ENDPOINT_OVERRIDES_LOGGING: new URL("/", cloud.googleEndpoint).href,
  };
}

/**
 * Variables that a shell must not keep beside a local environment's: a passphrase in clear wins over the file, and the others
 * name accounts that a local run has no business with.
 */
export const localUnset: readonly string[] = [
  "PULUMI_CONFIG_PASSPHRASE",
  "PULUMI_ACCESS_TOKEN",
  "PULUMI_API",
  "GOOGLE_CREDENTIALS",
  "GOOGLE_APPLICATION_CREDENTIALS",
  "GOOGLE_IMPERSONATE_SERVICE_ACCOUNT",
];

/** A cloud's environment is the user's own; only the update check is silenced, whose text would end in our output. */
export function cloudEnvironment(options: { readonly env: Environment }): Readonly<Record<string, string>> {
  const own: Record<string, string> = { PULUMI_SKIP_UPDATE_CHECK: "true" };
  for (const [name, value] of Object.entries(options.env)) if (value !== undefined) own[name] = value;
  return own;
}

/** What a program needs of its surroundings to run at all, and nothing that names an account. */
const passed =
  /^(PATH|HOME|USER|LOGNAME|SHELL|TMPDIR|TMP|TEMP|LANG|LC_[A-Z]+|TZ|XDG_[A-Z_]+|SSL_CERT_(FILE|DIR)|(https?|no|all)_proxy|(HTTPS?|NO|ALL)_PROXY|SystemRoot|USERPROFILE|APPDATA|LOCALAPPDATA|COMSPEC|PATHEXT)$/;

/** The engine's whole environment: the given variables over the few of the surroundings that say nothing about accounts. */
export function engineEnvironment(surroundings: Environment, variables: Environment): Environment {
  const kept = Object.entries(surroundings).filter(([name]) => passed.test(name));
  return { ...Object.fromEntries(kept), ...variables };
}
