/** The alert targets that a configuration names, with their secrets read when something is sent. */
import { join } from "node:path";
import { secretsIn, withoutCredentials } from "../../components/shared/literal-secret.ts";
import { SwitchyardError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Notifier } from "../ports/notifier.ts";
import { type CustomModule, loadNotifier } from "./custom-modules.ts";
import { createPagerDutyNotifier } from "./notifier-pagerduty.ts";
import { secretUrl, undelivered } from "./notifier-request.ts";
import { createSlackNotifier } from "./notifier-slack.ts";
import { createWebhookNotifier } from "./notifier-webhook.ts";
import { readSecret } from "./secret-reference.ts";
import { withoutSecrets } from "./without-secrets.ts";

/** An entry of `environments.X.alerts.targets`. */
export type NotifierConfig =
  | {
      readonly kind: "webhook";
      readonly name: string;
      readonly url_from: string;
      readonly secret_from?: string | undefined;
    }
  | { readonly kind: "slack"; readonly name: string; readonly url_from: string }
  | {
      readonly kind: "pagerduty";
      readonly name: string;
      readonly routing_key_from: string;
      readonly region: "us" | "eu";
    }
  | ({ readonly kind: "module"; readonly name: string } & CustomModule);

/** A target of the configuration. */
export interface ConfiguredNotifier extends Notifier {
  /** Reads its secrets, or loads its module, and sends nothing. Errors: credentials-missing, credentials-over-http, invalid-config, module-unusable. */
  open(): Promise<void>;
}

export interface NotifiersOptions {
  readonly targets: readonly NotifierConfig[];
  /** Holds the secrets that the configuration names, and credentials for Secret Manager. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The checkout: `file:` is below it unless it begins with a slash. */
  readonly root: string;
  readonly clock: Pick<Clock, "wall">;
  /** Of `secrets-manager:` references; default what the environment says. */
  readonly awsRegion?: string | undefined;
  /** For one notice, ms. Default 10,000. */
  readonly timeoutMs?: number | undefined;
}

const defaultTimeoutMs = 10_000;

/** By name. Nothing is read or asked yet: a secret that is missing is a delivery that fails, and the other targets work. */
export function createNotifiers(options: NotifiersOptions): Readonly<Record<string, ConfiguredNotifier>> {
  return Object.fromEntries(options.targets.map((target) => [target.name, createNotifier(target, options)]));
}

function createNotifier(target: NotifierConfig, options: NotifiersOptions): ConfiguredNotifier {
  let made: Promise<Notifier> | undefined;
  const opened = async (): Promise<Notifier> => {
    made ??= connect(target, options);
    try {
      return await made;
    } catch (error) {
      made = undefined;
      throw error;
    }
  };
  return {
    description: `${target.kind} ${target.name}`,
    async open() {
      await opened();
    },
    async notify(notice, signal) {
      let notifier: Notifier;
      try {
        notifier = await opened();
      } catch (error) {
        if (error instanceof SwitchyardError) return undelivered(error.message);
        throw error;
      }
      return notifier.notify(notice, signal);
    },
  };
}

/** Errors: credentials-missing, credentials-over-http, invalid-config, module-unusable. */
async function connect(target: NotifierConfig, options: NotifiersOptions): Promise<Notifier> {
  const { env, root, clock, awsRegion, timeoutMs = defaultTimeoutMs } = options;
  const secret = (reference: string): Promise<string> =>
    readSecret(reference, { env, awsRegion, pathOf: (path) => (path.startsWith("/") ? path : join(root, path)) });
  const timing = { clock, timeoutMs };
  switch (target.kind) {
    case "webhook":
      return createWebhookNotifier({
        ...timing,
        url: secretUrl(await secret(target.url_from), target.url_from),
        secret: target.secret_from === undefined ? undefined : await secret(target.secret_from),
      });
    case "slack":
      return createSlackNotifier({ ...timing, url: secretUrl(await secret(target.url_from), target.url_from) });
    case "pagerduty":
      return createPagerDutyNotifier({
        ...timing,
        routingKey: await secret(target.routing_key_from),
        region: target.region,
        endpoint: env["PAGERDUTY_EVENTS_URL"] === "" ? undefined : env["PAGERDUTY_EVENTS_URL"],
      });
    case "module":
      return loadNotifier(target, root, {
        timeoutMs,
        // Which secrets it has, nobody says: those that it may have read.
        clean: (text) => withoutCredentials(withoutSecrets(text, secretsIn(env))),
      });
  }
}
